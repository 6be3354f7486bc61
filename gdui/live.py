"""Text areas that apply while one is typing, not only on Ctrl+Enter: Streamlit's own wait for it."""

from __future__ import annotations

from gdui import in_browser

PAUSE = 350  # milliseconds without a key before the text counts

SCRIPT = """
export default function({ data }) {
  let waiting;
  const commit = (area) => area.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }));
  const typed = (event) => {
    const area = event.target;
    if (area.tagName !== 'TEXTAREA' || area.getAttribute('aria-label') !== data.label) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => commit(area), data.pause);
  };
  document.addEventListener('input', typed);
  return () => { clearTimeout(waiting); document.removeEventListener('input', typed); };
}
"""


def as_typed(label: str) -> None:
    """Apply the text area of this label, a constant of ours, whenever typing pauses."""
    in_browser.run("live-text", SCRIPT, {"label": label, "pause": PAUSE}, key=label)
