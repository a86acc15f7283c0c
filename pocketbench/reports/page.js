"use strict";
// Draws the charts as SVG whose colours are CSS variables: light, dark and print follow the page without a redraw.
for (const [index, chart] of JSON.parse(document.getElementById("charts").textContent).entries()) {
  vegaEmbed(`#figure-${index}`, chart, {
    actions: false,
    renderer: "svg",
    tooltip: { disableDefaultStyle: true },
  });
}
