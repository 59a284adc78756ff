// The theme leaves its search dialog without a name.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

// The form appears only where `germ seminar serve` answers: it marks the page, so that no request is made from anywhere else.
const form = document.getElementById("polynomial");
if (form && form.dataset.server === "here") {
  const answer = document.getElementById("polynomial-answer");
  const input = document.getElementById("polynomial-input");
  form.hidden = false;
  document.getElementById("polynomial-offline").hidden = true;
  const show = (text, kind) => {
    const line = document.createElement("p");
    line.className = kind;
    line.textContent = text;
    answer.replaceChildren(line);
    return line;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show("Computing …", "small");
    try {
      const response = await fetch("api/newton?" + new URLSearchParams({ K: input.value }));
      const found = await response.json();
      if (found.error) {
        show(found.error, "warning");
        return;
      }
      show(found.text, "result");
      const picture = document.createElement("img");
      picture.alt = "Newton diagram of " + found.polynomial;
      picture.src = "data:image/svg+xml;base64," + found.svg;
      answer.append(picture);
    } catch {
      show("The server does not answer. Is `germ seminar serve` still running?", "warning");
    }
  });
}
