// Video of the stage: recorded by the browser in real time, or frame by frame for the command line.
"use strict";

const VIDEO_TYPES = ["video/mp4;codecs=avc1.42E01F,mp4a.40.2", "video/webm;codecs=vp9,opus", "video/webm"];

// Copies the stage with its background and labels to a canvas of fixed size.
class Composer {
  constructor(stage, width, height) {
    this.stage = stage;
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.context = this.canvas.getContext("2d");
  }

  draw() {
    const c = this.context, { width, height } = this.canvas, from = this.stage.canvas;
    const back = c.createRadialGradient(width / 2, height * 0.44, 0, width / 2, height * 0.44, width * 0.62);
    back.addColorStop(0, "#3a4370");
    back.addColorStop(0.46, "#20263f");
    back.addColorStop(1, "#10131f");
    c.fillStyle = back;
    c.fillRect(0, 0, width, height);
    if (!from.width || !from.height) return;
    const scale = Math.min(width / from.width, height / from.height), w = from.width * scale, h = from.height * scale;
    c.drawImage(from, (width - w) / 2, height - h, w, h);
    const shown = this.stage.shown.length > 1 ? this.stage.shown : [];
    c.font = `600 ${Math.round(height / 30)}px system-ui, sans-serif`;
    c.textAlign = "center";
    c.fillStyle = "rgba(255,255,255,.92)";
    shown.forEach((k, place) => c.fillText(this.stage.labels[k], (width - w) / 2 + (w * (place + 0.5)) / shown.length, height * 0.965));
  }
}

// Plays the take once from the start and offers the recorded video as a download.
class Recorder {
  constructor(stage, player, onError) {
    Object.assign(this, { stage, player, onError, composer: null, video: null });
  }

  get recording() {
    return Boolean(this.media);
  }

  async toggle() {
    if (this.recording) return this.player.pause();
    const type = window.MediaRecorder && VIDEO_TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    if (!type) return this.onError("This browser cannot record video. Use koemorph preview --video FILE.");
    await this.player.load(DATA.audio);
    this.player.pause();
    await this.player.seek(0);
    await this.player.setSpeed(1);
    byId("speed").textContent = "1×";
    this.looped = this.player.loop;
    this.player.loop = false;
    this.composer = new Composer(this.stage, 1280, 720);
    const stream = this.composer.canvas.captureStream(60);
    if (this.player.context) {
      this.player.extraOutput = this.player.context.createMediaStreamDestination();
      stream.addTrack(this.player.extraOutput.stream.getAudioTracks()[0]);
    }
    const parts = [];
    this.media = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 6e6 });
    this.media.addEventListener("dataavailable", (event) => parts.push(event.data));
    this.media.addEventListener("stop", () => this.save(new Blob(parts, { type: type.split(";")[0] })));
    this.media.start();
    byId("record").textContent = "Stop";
    byId("record").setAttribute("aria-pressed", "true");
    await this.player.play();
    this.started = true;
  }

  // Call for every animation frame.
  frame() {
    if (!this.recording) return;
    this.composer.draw();
    if (!this.started || this.player.playing) return;
    this.started = false;
    if (this.media.state !== "inactive") this.media.stop();
  }

  save(video) {
    this.video = video;
    this.media = this.player.extraOutput = null;
    this.player.loop = this.looped;
    byId("record").textContent = "Save video";
    byId("record").setAttribute("aria-pressed", "false");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(video);
    link.download = `${byId("title").textContent}.${video.type.split("/")[1]}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }
}

// Send every frame as a JPEG to the local server of `koemorph preview --video`.
async function exportFrames(stage, show, { fps, width, height }, duration) {
  document.body.classList.add("export");
  stage.quality.frame = () => {};
  const composer = new Composer(stage, width, height), count = Math.max(1, Math.round(duration * fps));
  const send = (path, body) => fetch(path, { method: "POST", body });
  try {
    for (let k = 0; k < count; k++) {
      show(k / fps);
      composer.draw();
      await send("frame", await new Promise((done) => composer.canvas.toBlob(done, "image/jpeg", 0.95)));
    }
    await send("done", "");
  } catch (error) {
    await send("failed", error.message);
  }
}
