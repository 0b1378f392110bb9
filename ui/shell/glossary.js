// Words of the field, explained where they stand: a press on an element with `data-word` opens what it means below it.

{
  const MEANS = {
    nats: "Natural units of information. 0.69 nats are one bit, a yes or no that are equally likely; what is one nat more " +
      "probable is 2.7 times as probable.",
    KL: "Kullback-Leibler divergence of the posterior from the prior: how much the latents say of a picture that the prior " +
      "did not know. Where it is zero, a dimension says nothing.",
    nll: "Negative log-likelihood, -log p(x given z): how badly the latents tell the pixels of a picture. Less is better.",
    sd: "Standard deviation: +1 is as much as faces usually differ along the slider.",
  };
  const NARROW = 320, EDGE = 8; // pixels

  function explain(node) {
    document.getElementById("meaning")?.remove();
    const box = node.getBoundingClientRect(), word = node.dataset.word, style = getComputedStyle(node);
    const meaning = document.createElement("div"), left = Math.max(EDGE, Math.min(box.left, innerWidth - NARROW - EDGE));
    for (const [name, value] of Object.entries({ id: "meaning", popover: "auto", role: "dialog", "aria-label": word, tabindex: -1 })) meaning.setAttribute(name, value);
    meaning.style.cssText = `left:${left}px;top:${box.bottom + 6}px;width:min(${NARROW}px, calc(100vw - ${2 * EDGE}px))`;
    meaning.style.color = style.color;
    meaning.style.background = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
    meaning.textContent = MEANS[word];
    document.body.append(meaning);
    meaning.showPopover();
    meaning.focus();
    const below = meaning.getBoundingClientRect().bottom - innerHeight + EDGE;
    if (below > 0) meaning.style.top = `${Math.max(EDGE, box.bottom + 6 - below)}px`;
  }

  addEventListener("click", (event) => {
    const node = event.composedPath().find((part) => part.dataset?.word);
    if (!node || !(node.dataset.word in MEANS)) return;
    event.preventDefault(); // it may stand in the name of a slider
    explain(node);
  });
}
