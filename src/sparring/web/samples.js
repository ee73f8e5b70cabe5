/* The sample grids of a run: one at a time, chosen by a slider or played. */
import { address, commas, make } from "./words.js";

const WIDEST = 512, HIGHEST = 640;  // to which small pictures are enlarged
const LARGEST = 800;

/* Enlarged to a whole number of the screen's dots, pixels stay square; made smaller, they must be averaged. */
export function enlarge(picture) {
  const natural = picture.naturalWidth, wide = picture.parentElement.clientWidth;
  if (!natural || !wide) return;
  const room = Math.min(wide, WIDEST, HIGHEST * natural / picture.naturalHeight);
  const times = Math.max(1, Math.floor(room * devicePixelRatio / natural) / devicePixelRatio);
  picture.style.width = `${Math.min(natural * times, wide, LARGEST)}px`;
  picture.classList.toggle("sharp", picture.clientWidth * devicePixelRatio >= natural);
}

export class Player {
  constructor() {
    this.grids = [];
    this.box = make("figure");
    this.title = make("h3", this.box);
    const row = make("div", this.box, { class: "player" });
    this.button = make("button", row, { type: "button" }, "Play");
    this.slider = make("input", row, { type: "range", min: 0, max: 0, value: 0 });
    this.output = make("output", row);
    this.picture = make("img", this.box, { alt: "" });
    this.note = make("figcaption", this.box);
    this.timer = null;
    this.slider.addEventListener("input", () => { this.stop(); this.draw(); });
    this.button.addEventListener("click", () => this.timer ? this.stop() : this.play());
    this.picture.addEventListener("load", () => { this.note.textContent = ""; enlarge(this.picture); });
    this.picture.addEventListener("error", () => {
      this.note.textContent = "This grid cannot be shown: its file is damaged or gone.";
    });
  }

  /* Take the run's grids; whoever looks at the newest goes on looking at the newest. */
  show(run, titled) {
    this.title.textContent = run.name;
    this.title.hidden = !titled;
    const atEnd = +this.slider.value >= this.grids.length - 1, kept = this.grids[this.slider.value]?.[0];
    this.run = run;
    this.grids = run.samples;
    this.slider.max = Math.max(this.grids.length - 1, 0);
    this.slider.setAttribute("aria-label", `Grid to show of ${run.name}`);
    const again = this.grids.findIndex(([file]) => file === kept);
    this.slider.value = atEnd && !this.timer || again < 0 ? this.grids.length - 1 : again;
    this.draw();
  }

  draw() {
    const [file, version] = this.grids[this.slider.value] ?? [];
    if (!file) return;
    const label = `step ${commas(parseInt(file, 10))}`;
    this.output.value = label;
    this.slider.setAttribute("aria-valuetext", label);
    this.picture.alt = `Grid of samples of ${this.run.name} at ${label}`;
    const source = `${address(this.run, `samples/${file}`)}?v=${version}`;
    if (this.picture.getAttribute("src") !== source) this.picture.src = source;
  }

  play() {
    if (+this.slider.value === this.grids.length - 1) this.slider.value = 0;
    this.button.textContent = "Pause";
    this.draw();
    this.timer = setInterval(() => {
      this.slider.value = +this.slider.value + 1;
      this.draw();
      if (+this.slider.value === this.grids.length - 1) this.stop();
    }, 450);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "Play";
  }
}
