"""Drawn data sets for fine-tuning: floor photos, more photos, street photos with boxes or tags."""

from dataclasses import dataclass
from pathlib import Path

from ml_models.lab.drawing.person import person
from ml_models.lab.photos.label_sets import LEAVES, PARENTS
from tests.helpers.pictures import picture, plain
from tests.lab.helpers.flat_garments import GROUND, SHAPES, lying

# The garment to draw for each class; a class without one is a random rectangle on the floor.
DRAWN = {leaf: PARENTS.get(leaf, leaf) for leaf in LEAVES}
SIZE = (160, 240)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Paths of the drawn data sets."""

    data: Path
    more: Path
    boxes: Path
    tagged: Path

    @property
    def options(self):
        """The command-line options that name the data sets."""
        named = ("data", "more", "boxes", "tagged")
        return [part for name in named for part in (f"--{name}", str(getattr(self, name)))]


def draw_sources(folder):
    """Draw two floor photos per class, three more, six people with boxes and four with tags."""
    return Drawn(
        data=draw_floors(folder / "floors"),
        more=draw_more(folder / "more"),
        boxes=draw_street(folder / "street"),
        tagged=draw_tagged(folder / "street"),
    )


def draw_floors(folder):
    for number, leaf in enumerate(LEAVES):
        (folder / leaf).mkdir(parents=True)
        for k in range(2):
            colour = ((40 * number) % 256, (90 * k + 30) % 256, 200 - 10 * number)
            if DRAWN[leaf] in SHAPES:
                image = lying(DRAWN[leaf], colour=colour)[0]
            else:
                image = plain(GROUND, (200, 280))
                image.paste(picture(number).resize((90, 80)), (50, 100))
            image.save(folder / leaf / f"{k}.jpg")
    return folder


def draw_more(folder):
    folder.mkdir()
    labels = ("Top", "Not sure", "Hoodie")
    for k, shape in enumerate(("t-shirt", "skirt", "longsleeve")):
        lying(shape, colour=(20, 160, 60 * k))[0].save(folder / f"{k}.jpg")
    rows = [f"{k}.jpg,{label},False" for k, label in enumerate(labels)]
    return written(folder / "labels.csv", ["image,label,kids", *rows])


def draw_street(folder):
    folder.mkdir()
    rows = ["image,label,tag,x,y,w,h,area"]
    for number in range(1, 7):
        drawn = person(number, SIZE)
        drawn.image.save(folder / f"{number:04d}.jpg")
        for garment in drawn.garments:
            left, top, right, bottom = garment.box
            place = left / SIZE[0], top / SIZE[1], right / SIZE[0], bottom / SIZE[1]
            x, y, w, h = place[0], place[1], place[2] - place[0], place[3] - place[1]
            numbers = f"{x:.4f},{y:.4f},{w:.4f},{h:.4f},{w * h:.4f}"
            rows.append(f"{number:04d}.jpg,{garment.label},,{numbers}")
    return written(folder / "boxes.csv", rows)


def draw_tagged(folder):
    rows = ["image,labels,tags"]
    for number in range(11, 15):
        drawn = person(number, SIZE)
        drawn.image.save(folder / f"{number:04d}.jpg")
        labels = "|".join(sorted({garment.label for garment in drawn.garments}))
        rows.append(f"{number:04d}.jpg,{labels},{labels}|null")
    return written(folder / "tagged.csv", rows)


def written(path, lines):
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
