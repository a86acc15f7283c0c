"use strict";
// Draws the charts as SVG whose colours are CSS variables: light, dark and print follow the page without a redraw.
// One after the other, so that the page can be used meanwhile.
(async () => {
  await new Promise((resolve) => setTimeout(resolve)); // the page itself comes first
  for (const [index, chart] of JSON.parse(document.getElementById("charts").textContent).entries()) {
    const element = document.getElementById(`figure-${index}`);
    const { view } = await vegaEmbed(element, chart, {
      actions: false,
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    document.dispatchEvent(new CustomEvent("chart", { detail: { element, view } }));
    await new Promise((resolve) => setTimeout(resolve));
  }
})();
