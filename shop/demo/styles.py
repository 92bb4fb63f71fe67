"""The collection: every style with its cut, cloth, details and the colours it is made in."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Style:
    """An article in all its colours; `colours` are "main" or "main/second"."""

    code: str
    kind: str
    cut: str
    name: str
    gender: str
    price: str
    material: str
    pattern: str
    details: tuple[str, ...]
    colours: tuple[str, ...]
    views: tuple[str, ...]


# cut | name | gender | price | material | pattern | details | colours | views
TABLE = {
    "t-shirt": """
regular | Crew neck T-shirt | unisex | 14.90 | cotton | solid | - | white, navy, red | front, back
regular | Breton T-shirt | women | 24.90 | cotton | stripes | pocket | white/navy, white/red | front, detail
boxy | Sunset print T-shirt | unisex | 29.90 | cotton | solid | sun | black/orange, cream/rust | front, back
slim | V-neck T-shirt | women | 17.90 | jersey | solid | v-neck | burgundy, grey | front
regular | Mountain raglan T-shirt | men | 27.90 | cotton | solid | raglan, peaks | white/forest, silver/navy | front
regular | Ringer T-shirt | men | 22.90 | cotton | solid | ringer, rings | lemon/brown | front
boxy | Wave print T-shirt | unisex | 29.90 | cotton | solid | waves | sky/navy, sand/teal | front
slim | Leaf print T-shirt | women | 24.90 | jersey | solid | scoop, leaf | sage/forest, blush/burgundy | front
regular | Camouflage T-shirt | men | 24.90 | cotton | camouflage | pocket | olive/sand | front
""",
    "longsleeve": """
regular | Striped sailor top | women | 34.90 | cotton | stripes | - | cream/navy, white/black | front, back
turtleneck | Ribbed turtleneck | women | 49.90 | knit | solid | - | burgundy, cream | front
regular | Raglan long sleeve | men | 29.90 | jersey | solid | raglan | grey/navy, white/red | front
regular | Henley long sleeve | men | 32.90 | cotton | solid | henley | olive, rust | front, detail
regular | Nordic wool sweater | unisex | 79.90 | wool | solid | nordic | navy/cream, red/white | front, detail
regular | V-neck cricket sweater | men | 69.90 | knit | solid | v-neck, tipped | cream/navy, navy/white | front
regular | Block stripe sweater | women | 59.90 | knit | wide stripes | - | blush/coral, teal/mustard | front
""",
    "shirt": """
regular | Oxford shirt | men | 49.90 | cotton | solid | pocket | sky, white | front, back
regular | Lumberjack shirt | men | 44.90 | cotton | tartan | pockets, flaps, dark buttons | red/black, forest/navy | front, back
camp | Tropical camp shirt | men | 39.90 | viscose | leaves | - | teal/lemon, white/green | front
blouse | Bow blouse | women | 54.90 | satin | solid | bow | blush, burgundy | front
regular | Candy stripe shirt | women | 44.90 | cotton | candy stripes | - | white/navy, white/coral | front
regular | Western denim shirt | men | 59.90 | denim | denim | pockets, flaps | denim, indigo | front, detail
regular | Gingham shirt | women | 39.90 | cotton | gingham | pocket | white/red, white/blue | front
""",
    "outwear": """
bomber | Bomber jacket | men | 89.90 | nylon | solid | - | olive, black | front, back
bomber | College jacket | unisex | 99.90 | wool | solid | varsity, contrast rib | burgundy/cream, navy/grey | front
puffer | Puffer jacket | unisex | 119.00 | nylon | solid | - | mustard, red | front, back
puffer | Down gilet | men | 79.90 | nylon | solid | gilet | navy | front
parka | Hooded parka | women | 139.00 | cotton | solid | fur | olive, sand | front, back
denim | Denim trucker jacket | unisex | 74.90 | denim | denim | - | denim, bleach | front, back
coat | Wool overcoat | women | 179.00 | wool | solid | - | camel, charcoal | front
trench | Belted trench coat | women | 159.00 | cotton | solid | - | beige, navy | front, back
blazer | Houndstooth blazer | women | 119.00 | wool | houndstooth | - | cream/black, camel/chocolate | front
biker | Biker jacket | women | 199.00 | leather | solid | - | black, brown | front
""",
    "dress": """
a-line | Polka dot skater dress | women | 59.90 | viscose | dots | short sleeves | navy/white, red/white | front, back
a-line | Collared mini dress | women | 54.90 | cotton | solid | peter pan | black, burgundy | front
shift | Sixties shift dress | women | 64.90 | wool | solid | pockets | mustard, coral | front
wrap | Floral wrap dress | women | 74.90 | viscose | floral | short sleeves | forest/blush, navy/coral, cream/red | front, back, detail
slip | Satin slip dress | women | 69.90 | satin | solid | lace | blush, black | front
shirt | Striped shirt dress | women | 69.90 | cotton | candy stripes | long sleeves | white/sky, white/rust | front
maxi | Flutter sleeve maxi dress | women | 89.90 | chiffon | solid | flutter | coral, lilac | front
tiered | Tiered summer dress | women | 64.90 | viscose | specks | - | white/blue, lemon/orange | front
knit | Belted knit dress | women | 79.90 | knit | solid | belt | camel, grey | front
""",
    "skirt": """
a-line | Polka dot midi skirt | women | 39.90 | viscose | dots | - | red/white, black/white | front
pleated | Pleated satin skirt | women | 49.90 | satin | solid | - | sage, navy | front, detail
pencil | Pencil skirt | women | 39.90 | wool | solid | - | black, burgundy | front, back
pencil | Houndstooth pencil skirt | women | 44.90 | wool | houndstooth | - | cream/black | front
mini | Button front denim skirt | women | 39.90 | denim | denim | buttons, pockets | denim, bleach | front, back
tiered | Tiered boho skirt | women | 54.90 | viscose | specks | - | indigo/sky | front
wrap | Floral wrap skirt | women | 49.90 | viscose | floral | - | black/coral, blush/burgundy | front
maxi | Flowing maxi skirt | women | 54.90 | viscose | solid | - | rust, teal | front
mini | Tartan mini skirt | women | 34.90 | wool | tartan | - | red/black, lemon/black | front
""",
    "pants": """
straight | Straight leg jeans | men | 69.90 | denim | denim | - | denim, black | front, back
slim | Slim chinos | men | 49.90 | twill | solid | - | sand, olive | front
wide | Wide leg linen trousers | women | 59.90 | linen | solid | pleats, pressed | cream, rust | front
jogger | Side stripe joggers | unisex | 39.90 | fleece | solid | drawstring, side stripe | grey/white, black/red | front
cargo | Cargo trousers | men | 59.90 | cotton | solid | cargo | olive, black | front, back
flared | Pinstripe flared trousers | women | 54.90 | wool | pinstripes | pressed | charcoal/silver, navy/white | front
straight | Checked trousers | women | 54.90 | wool | windowpane | pressed, belt | beige/brown, grey/navy | front
wide | Corduroy trousers | unisex | 59.90 | corduroy | solid | - | camel, forest | front, detail
""",
    "shorts": """
short | Chino shorts | men | 34.90 | twill | solid | turn-ups | navy, coral | front
running | Running shorts | unisex | 27.90 | nylon | solid | drawstring, side stripe | black/coral, blue/white | front, back
bermuda | Checked bermuda shorts | men | 44.90 | cotton | windowpane | belt | beige/navy, sage/forest | front
short | Denim shorts | women | 39.90 | denim | denim | - | bleach, denim | front, back
bermuda | Cargo shorts | men | 44.90 | cotton | solid | cargo | olive, grey | front
running | Swim shorts | men | 32.90 | nylon | leaves | drawstring | navy/mint, orange/lemon | front
short | Linen shorts | women | 37.90 | linen | solid | pleats | white, mustard | front
short | Striped seersucker shorts | women | 36.90 | cotton | candy stripes | - | white/blue | front
""",
    "hat": """
cap | Star baseball cap | unisex | 19.90 | twill | solid | star | navy/white, red/white | front, back
trucker | Trucker cap | men | 22.90 | cotton | solid | patch | forest/cream, brown/sand | front, back
beanie | Ribbed beanie | unisex | 17.90 | knit | solid | tag | mustard, teal | front
beanie | Bobble hat | women | 24.90 | knit | solid | pompom, contrast cuff, chunky | red/white, navy/silver | front
bucket | Bucket hat | unisex | 24.90 | cotton | gingham | - | white/lilac, white/black | front
sun | Wide brim sun hat | women | 39.90 | straw | solid | bow | straw/black, cream/red | front
fedora | Felt fedora | men | 59.90 | wool | solid | bow | brown/black, grey/navy | front
beret | Wool beret | women | 29.90 | wool | solid | - | burgundy, black | front
boater | Straw boater | unisex | 34.90 | straw | solid | - | straw/navy | front
""",
    "shoes": """
sneaker | Leather sneakers | unisex | 89.90 | leather | solid | contrast, band | white/forest, white/navy, black/white | front, back
high-top | Canvas high-tops | unisex | 59.90 | canvas | solid | - | red, navy | front, back
runner | Running shoes | unisex | 99.90 | nylon | solid | - | grey/coral, navy/lemon | front, back
loafer | Penny loafers | men | 109.00 | leather | solid | - | burgundy, chocolate | front
chelsea | Chelsea boots | men | 139.00 | suede | solid | - | brown | front, back
lace-up boot | Lace-up boots | unisex | 149.00 | leather | solid | - | camel, black | front
oxford | Brogues | men | 129.00 | leather | solid | brogue | brown, black | front
pump | Court shoes | women | 89.90 | leather | solid | - | red, black | front, back
ballerina | Ballet flats | women | 59.90 | leather | solid | - | blush, navy | front
sandal | Two-strap sandals | unisex | 69.90 | leather | solid | - | brown | front
""",
}


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(",") if word.strip() not in {"", "-"})


def _styles() -> Iterator[Style]:
    for number, (kind, rows) in enumerate(TABLE.items(), start=1):
        for row, line in enumerate(rows.strip().splitlines(), start=1):
            cut, name, gender, price, material, pattern, *lists = (
                cell.strip() for cell in line.split("|")
            )
            details, colours, views = map(_words, lists)
            yield Style(
                code=f"{kind[:2].upper().replace('-', 'S')}{number:02d}{row:02d}",
                kind=kind,
                cut=cut,
                name=name,
                gender=gender,
                price=price,
                material=material,
                pattern=pattern,
                details=details,
                colours=colours,
                views=views,
            )


STYLES: tuple[Style, ...] = tuple(_styles())
