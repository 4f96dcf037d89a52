(() => {
  const root = document.querySelector("#__ID__:not([data-ready])");
  if (!root) return;
  root.dataset.ready = "1";
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const reads = (answer) => answer.replaceAll("_", " ");
  const audio = part("sound");
  let second = 0;
  let clock = null;

  const clip = () => data.clips[part("clip").value];
  const question = () => clip().questions[part("question").value];
  const hears = () => part("audio").checked;
  const sees = () => part("visual").checked;
  const scenario = () =>
    hears() ? (sees() ? "complete" : "visual_missing") : sees() ? "audio_missing" : "both_missing";

  function element(name, text, kind) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function fill(select, texts) {
    select.replaceChildren(...texts.map((text, index) => {
      const option = element("option", text);
      option.value = index;
      return option;
    }));
  }

  function chooseClip() {
    const one = clip();
    pause();
    fill(part("question"), one.questions.map((asked) => `${asked.text} (${asked.category})`));
    part("sheet").src = one.sheet;
    part("sheet").alt = one.seen;
    part("sheet").style.width = `${100 * one.columns}%`;
    part("stage").style.aspectRatio = one.aspect;
    audio.src = one.sound;
    part("second").max = one.seconds - 1;
    part("seen").textContent = one.seen;
    part("heard").textContent = one.heard;
    const width = 100 / one.loudness.length;
    part("loudness").setAttribute("d", one.loudness.map((level, index) =>
      `M${(index * width).toFixed(2)},${(20 - level / 5).toFixed(2)}h${(width * 0.8).toFixed(2)}V20h-${(width * 0.8).toFixed(2)}z`).join(""));
    part("media-error").hidden = true;
    show(0);
    update();
  }

  function show(at) {
    second = Math.max(0, Math.min(clip().seconds - 1, at));
    const { columns, seconds } = clip();
    part("sheet").style.left = `${-100 * (second % columns)}%`;
    part("sheet").style.top = `${-100 * Math.floor(second / columns)}%`;
    part("second").value = second;
    part("second").setAttribute("aria-valuetext", `second ${second + 1} of ${seconds}`);
    part("second-text").textContent = `${second + 1} of ${seconds}`;
    part("cursor").setAttribute("x", (100 * second) / seconds);
    part("cursor").setAttribute("width", 100 / seconds);
  }

  function seek(at) {
    show(at);
    if (audio.readyState > 0) audio.currentTime = second;
  }

  function play() {
    if (second >= clip().seconds - 1) seek(0);
    const audible = hears() && !audio.error;
    if (audible) audio.play().catch(() => { part("media-error").hidden = false; });
    const began = performance.now() - 1000 * second;
    clearInterval(clock);
    clock = setInterval(() => {
      const heard = audible && !audio.paused && audio.readyState > 1;
      const at = Math.floor(heard ? audio.currentTime : (performance.now() - began) / 1000);
      if (at >= clip().seconds) pause();
      else if (at !== second) show(at);
    }, 100);
    part("play").textContent = "Pause";
  }

  function pause() {
    clearInterval(clock);
    clock = null;
    audio.pause();
    part("play").textContent = "Play";
  }

  function drawAnswers(view, asked) {
    part("bars").replaceChildren(...view.answers.map(([answer, share], index) => {
      const row = element("li", undefined, index === 0 ? "top" : "");
      const isTrue = answer === asked.truth;
      row.append(element("span", `${index === 0 ? "▲ " : ""}${reads(answer)}${isTrue ? " ✓" : ""}`, isTrue ? "good" : ""));
      const track = element("span", undefined, "track");
      const bar = element("span", undefined, "fill");
      bar.style.width = `${100 * share}%`;
      track.append(bar);
      row.append(track, element("span", percent(share), "share"));
      return row;
    }));
  }

  function drawFour(asked) {
    part("four").replaceChildren(...Object.entries(data.scenarios).map(([name, title]) => {
      const view = asked.views[name];
      const row = element("tr", undefined, name === scenario() ? "now" : "");
      const heading = element("th", name === scenario() ? `${title} (now)` : title);
      heading.scope = "row";
      const [answer, share] = view.answers[0];
      const right = answer === asked.truth;
      row.append(heading, element("td", `${reads(answer)} ${right ? "✓" : "✗"}`, right ? "good" : "bad"));
      row.append(element("td", percent(share), "number"));
      row.append(element("td", view.ceiling === null ? "–" : percent(view.ceiling), "number"));
      return row;
    }));
  }

  function drawAddressing(heat) {
    part("heat").hidden = heat === null;
    part("no-heat").hidden = heat !== null;
    if (heat === null) return;
    const canvas = part("canvas");
    [canvas.width, canvas.height] = [heat.slots, heat.segments];
    const context = canvas.getContext("2d");
    [...heat.levels].forEach((letter, index) => {
      context.fillStyle = data.palette[LETTERS.indexOf(letter)];
      context.fillRect(index % heat.slots, Math.floor(index / heat.slots), 1, 1);
    });
    const text = `${heat.segments} seconds (rows, top to bottom) by ${heat.slots} slots (columns). Weights from ` +
      `${(100 * heat.least).toFixed(2)} to ${(100 * heat.peak).toFixed(2)} % (dark is 0, bright the largest); equal weights would be ${(100 / heat.slots).toFixed(2)} %.`;
    part("heat-text").textContent = text;
    canvas.setAttribute("aria-label", `Addressing heat map, ${text}`);
  }

  function update() {
    const asked = question();
    const view = asked.views[scenario()];
    part("cover").hidden = sees();
    part("sound-box").classList.toggle("off", !hears());
    audio.muted = !hears();
    audio.hidden = !hears();
    part("silent").hidden = hears();
    part("question-text").textContent = asked.text;
    drawAnswers(view, asked);
    drawFour(asked);
    drawAddressing(view.addressing);
    const [answer, share] = view.answers[0];
    part("truth").textContent = reads(asked.truth);
    part("floor").textContent = `${reads(asked.floor[0])}, from the question alone (right for ${percent(asked.floor[1])} of this category)`;
    part("ceiling").textContent = view.ceiling === null ? "not known" : `${percent(view.ceiling)}, for a perfect observer of what is present`;
    part("status").textContent = `${data.scenarios[scenario()]}: the model answers “${reads(answer)}” (${percent(share)}). ` +
      (answer === asked.truth ? "That is right." : `The truth is “${reads(asked.truth)}”.`);
  }

  fill(part("clip"), data.clips.map((one) => one.title));
  part("clip").addEventListener("change", chooseClip);
  part("question").addEventListener("change", update);
  for (const name of ["audio", "visual"]) part(name).addEventListener("change", () => {
    const wasPlaying = clock !== null;
    pause();
    update();
    if (wasPlaying) play();
  });
  part("play").addEventListener("click", () => (clock === null ? play() : pause()));
  part("back").addEventListener("click", () => { pause(); seek(second - 1); });
  part("forward").addEventListener("click", () => { pause(); seek(second + 1); });
  part("second").addEventListener("input", () => { pause(); seek(Number(part("second").value)); });
  audio.addEventListener("play", () => { if (clock === null) play(); });
  audio.addEventListener("pause", () => { if (clock !== null && !audio.ended && !audio.muted) pause(); });
  for (const one of [audio, part("sheet")]) one.addEventListener("error", () => { part("media-error").hidden = false; });
  chooseClip();
})();
