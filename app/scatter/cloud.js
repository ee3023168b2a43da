// A cloud of points in WebGL 2: positions, colours, shapes. Knows nothing of mice or meaning.

const VERTEX = `#version 300 es
in vec3 at;
in vec4 colour;
in float shape;
uniform mat3 turn;
uniform vec3 middle;
uniform vec2 centre;
uniform vec2 scale;
uniform float size;
uniform float shaped;
out vec4 tint;
flat out int form;
flat out float soft;
void main() {
  vec3 p = turn * (at - middle);
  gl_Position = vec4((p.xy - centre) * scale, 0.0, 1.0);
  gl_PointSize = colour.a == 0.0 ? 0.0 : (shape > 0.5 ? shaped : size) * (colour.a < 0.5 ? 0.8 : colour.a > 0.96 ? 1.8 : 1.0);
  tint = colour;
  form = int(shape + 0.5);
  soft = max(0.25, 2.0 / max(gl_PointSize, 1.0));
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 tint;
flat in int form;
flat in float soft;
out vec4 shown;
float triangle(vec2 p) { return max(p.y - 0.72, (1.72 * abs(p.x) - p.y - 1.0) / 1.99); }
float plus(vec2 p) { p = abs(p); return min(max(p.x - 1.0, p.y - 0.34), max(p.x - 0.34, p.y - 1.0)); }
// The distance from the edge of a shape, negative inside it; in the order of SHAPES in app/palette.py. p: -1..1, y downwards.
float outside(vec2 p) {
  if (form == 1) return max(abs(p.x), abs(p.y)) - 0.82;
  if (form == 2) return triangle(p);
  if (form == 3) return (abs(p.x) + abs(p.y) - 1.0) * 0.707;
  if (form == 4) return plus(p);
  if (form == 5) return triangle(vec2(p.x, -p.y));
  if (form == 6) return abs(length(p) - 0.72) - 0.26;
  if (form == 7) return plus(vec2(p.x + p.y, p.x - p.y) * 0.707);
  return length(p) - 1.0;
}
void main() {
  if (tint.a == 0.0) discard;
  float edge = 1.0 - smoothstep(-soft, 0.0, outside((gl_PointCoord - 0.5) * 2.0));
  if (edge == 0.0) discard;
  shown = vec4(tint.rgb * tint.a * edge, tint.a * edge);
}`;

export class Cloud {
  // screen: the canvas on the page, to which what WebGL draws on one of its own is copied. Chromium without a graphics card
  // shows a WebGL canvas, of which the page's scrolling hides the top, without as much of its bottom (seen in version 156).
  constructor(screen) {
    this.screen = screen;
    this.pen = screen.getContext("2d");
    this.pen.globalCompositeOperation = "copy";
    this.canvas = document.createElement("canvas");
    this.gl = this.canvas.getContext("webgl2", { premultipliedAlpha: true, antialias: false, preserveDrawingBuffer: true });
    this.count = 0;
    if (this.gl) this.prepare();
  }

  prepare() {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.uniform = (name) => gl.getUniformLocation(program, name);
    this.places = Object.fromEntries(["turn", "middle", "centre", "scale", "size", "shaped"].map((name) => [name, this.uniform(name)]));
    this.positions = gl.createBuffer();
    this.colours = gl.createBuffer();
    this.shapes = gl.createBuffer();
    this.order = gl.createBuffer();
    this.few = gl.createBuffer();
    const attribute = (name, buffer, width, type, normalised) => {
      const place = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, width, type, normalised, 0, 0);
    };
    attribute("at", this.positions, 3, gl.FLOAT, false);
    attribute("colour", this.colours, 4, gl.UNSIGNED_BYTE, true);
    attribute("shape", this.shapes, 1, gl.UNSIGNED_BYTE, false);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE_MINUS_DST_ALPHA, gl.ONE); // what is drawn later lies beneath: see draw
  }

  // positions: Float32Array of x, y, z for each point
  place(positions) {
    const gl = this.gl;
    this.count = positions.length / 3;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.positions);
    gl.bufferData(gl.ARRAY_BUFFER, positions, gl.DYNAMIC_DRAW);
  }

  // colours: Uint8Array of r, g, b, a; shapes: Uint8Array of places in SHAPES; order: Uint32Array of points, those
  // on top first
  paint(colours, shapes, order) {
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.shapes);
    gl.bufferData(gl.ARRAY_BUFFER, shapes, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colours);
    gl.bufferData(gl.ARRAY_BUFFER, colours, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.order);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
  }

  // few: Uint32Array of points, those on top first, that `draw` draws alone if it is told to
  pickOut(few) {
    const gl = this.gl;
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.few);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, few, gl.DYNAMIC_DRAW);
  }

  // Draws the points in order from place `from` to before `to`, of all or of those that were picked out: from 0 on a clear canvas, else
  // beneath what is drawn already. view: {turn (9, by columns), middle (3), centre (2), zoom in pixels a unit, size and shaped: pixels of a
  // disc and of a point of another shape}
  draw(view, from, to, few = false) {
    const gl = this.gl;
    const { width, height } = this.canvas;
    if (from === 0) {
      gl.viewport(0, 0, width, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
    }
    gl.uniformMatrix3fv(this.places.turn, false, view.turn);
    gl.uniform3fv(this.places.middle, view.middle);
    gl.uniform2fv(this.places.centre, view.centre);
    gl.uniform2f(this.places.scale, (2 * view.zoom) / width, (2 * view.zoom) / height);
    gl.uniform1f(this.places.size, view.size);
    gl.uniform1f(this.places.shaped, view.shaped);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, few ? this.few : this.order);
    if (to > from) gl.drawElements(gl.POINTS, to - from, gl.UNSIGNED_INT, 4 * from);
    this.pen.drawImage(this.canvas, 0, 0);
  }

  resize(width, height) {
    for (const canvas of [this.canvas, this.screen]) [canvas.width, canvas.height] = [width, height];
    this.pen.globalCompositeOperation = "copy"; // a canvas of another size has forgotten it
  }

  free() {
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
