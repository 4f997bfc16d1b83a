// What the three views have in common: they speak only while they are the one that is open.

export class View {
  untold = []; // of what went wrong while another was open

  constructor(app) {
    this.app = app;
  }

  get open() {
    return this.app.view === this;
  }

  message(...told) {
    if (this.open) this.app.message(...told);
  }

  fail(...told) {
    if (this.open) this.app.fail(...told);
  }

  show(...shown) {
    if (this.open) this.app.show(...shown);
  }

  /** It is opened; whoever waits may say something on the stage then. */
  enter() {}
  leave() {}

  /** A setting was changed. */
  changed() {}
}
