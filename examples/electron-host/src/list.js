//! The list of plugins, in the application's own page.

const list = document.querySelector("nav");

async function show() {
  const plugins = await window.host.plugins();
  list.replaceChildren(
    ...plugins.map(({ id, name, state, cause, ui }) => {
      const button = document.createElement("button");
      const about = document.createElement("small");
      about.textContent = cause ?? state;
      button.append(name, about);
      button.disabled = !ui;
      button.addEventListener("click", () => window.host.open(id));
      return button;
    }),
  );
}

window.host.onChange(show);
show();
