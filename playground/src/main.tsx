import { render } from "preact";
import { App } from "./App";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/form.css";
import "./styles/result.css";
import "./styles/pages.css";
import "./styles/layers.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
