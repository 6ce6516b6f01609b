// Where every page begins.

import { startControls } from "./controls.js";
import { startHovering } from "./tiles.js";
import { startKeys } from "./keys.js";
import { startSearch } from "./search.js";
import { startCurating } from "./curate.js";
import { startEditing } from "./editing.js";
import { startCards } from "./cards.js";
import { startFollowing } from "./following.js";
import { Page } from "./live.js";
import { startLater } from "./later.js";
import { startPicking } from "./picks.js";
import { startSettings } from "./settings.js";
import { startSharing } from "./sharing.js";
import { startUploads } from "./upload.js";
import { startViewer } from "./viewer.js";
import { Shelf, Wall } from "./wall.js";

const page = new Page();
startControls();
startHovering();
startKeys();
startSearch();
const lists = [...document.querySelectorAll("[data-wall], [data-strip]")].map((list) =>
  list.dataset.wall !== undefined && list.id ? new Wall(list) : new Shelf(list),
);
const cards = startCards();
startLater(lists);
startViewer(lists);
startPicking(lists);
startCurating(lists);
startUploads();
startEditing();
startSharing();
startSettings();
startFollowing({ page, lists, cards });
