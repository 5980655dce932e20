// The worker of the page's faces.
import { Engine } from "./engine.js";

const engine = new Engine((message, transfer) => self.postMessage(message, transfer ?? []));
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => engine.handle(data));
};
