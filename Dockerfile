# The lab in a container, and on a Hugging Face Docker Space:
#   docker build -t glyphlab . && docker run -p 7860:7860 -v glyphlab:/home/user/glyphlab glyphlab
# CPU wheels by default; for a GPU: docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 …
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Spaces run as user 1000. The home exists before a volume is mounted on it, so that the volume is the user's too.
RUN useradd --create-home --uid 1000 user && install -d -o user -g user /home/user/app /home/user/glyphlab
USER 1000
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH

# torch first and from its own index, torchvision with it: a pair from two indexes does not import.
COPY --chown=1000:1000 requirements.txt ./
RUN pip install --user --index-url "$TORCH_INDEX" $(grep -E '^torch(vision)?==' requirements.txt) \
 && pip install --user -r requirements.txt

COPY --chown=1000:1000 . .

# Live runs stay on the container's own disk: /data of a Space is a mounted bucket, where locks do not hold.
# Whoever has the printed address comes in (-e GLYPHLAB_MODE=class or public for others); on a Space: public.
ENV GLYPHLAB_HOST=0.0.0.0 GLYPHLAB_KEY=auto GLYPHLAB_PORT=7860 GLYPHLAB_HOME=/home/user/glyphlab
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:%s/healthz' % os.environ['GLYPHLAB_PORT'], timeout=4)"]
CMD ["python", "-m", "app"]
