(() => {
  const root = document.querySelector("#__ID__:not([data-ready])");
  if (!root) return;
  root.dataset.ready = "1";
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const step = part("step");
  let clock = null;

  function show(index) {
    const at = Math.max(0, Math.min(data.frames.length - 1, index));
    step.value = at;
    step.setAttribute("aria-valuetext", data.labels[at]);
    part("frame").src = data.frames[at];
    part("frame").alt = `${data.alt} ${data.labels[at]}.`;
    part("status").textContent = data.labels[at];
  }

  function pause() {
    clearInterval(clock);
    clock = null;
    part("play").textContent = "Play";
  }

  function play() {
    if (Number(step.value) >= data.frames.length - 1) show(0);
    part("play").textContent = "Pause";
    clock = setInterval(() => {
      if (Number(step.value) >= data.frames.length - 1) pause();
      else show(Number(step.value) + 1);
    }, 700);
  }

  const move = (change) => { pause(); show(Number(step.value) + change); };
  step.addEventListener("input", () => move(0));
  part("back").addEventListener("click", () => move(-1));
  part("forward").addEventListener("click", () => move(1));
  part("play").addEventListener("click", () => (clock === null ? play() : pause()));
  show(Number(step.value));
})();
