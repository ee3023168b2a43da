// On a phone Streamlit's menu lies over the page, and stays there when a page was chosen from it: it is closed.

const PHONE = 768; // pixels; Streamlit lays its menu over narrower pages

export default function () {
  const menu = document.querySelector('[data-testid="stSidebar"]');
  if (!menu || menu.dataset.closes) return;
  menu.dataset.closes = "yes";
  menu.addEventListener("click", (event) => {
    if (window.innerWidth >= PHONE || !event.target.closest('[data-testid="stSidebarNavLink"]')) return;
    menu.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  });
}
