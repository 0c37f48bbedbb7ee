// The samples over time: one frame at a time, by hand or as an animation.
const box = document.querySelector(".frames");
if (box) {
  const frames = [...box.querySelectorAll("figure")];
  const slider = document.querySelector("#time");
  const play = document.querySelector("#play");
  let timer = null;
  const show = (index) => {
    frames.forEach((frame, n) => frame.classList.toggle("on", n === index));
    slider.value = index;
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    play.textContent = "Pause";
    let index = Number(slider.value) === frames.length - 1 ? -1 : Number(slider.value);
    timer = setInterval(() => {
      index += 1;
      show(index);
      if (index === frames.length - 1) stop();
    }, 250);
  });
  box.classList.add("live");
  document.querySelector(".controls").hidden = false;
  show(frames.length - 1);
}
addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
});
