"""Recipients for the benchmarks: a CSV of any length, always the same."""

from kit import places

DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "example.com",
           "example.net", "example.org", "icloud.com", "gmx.de")
NAMES = ("Ann", "Bo", "Chi", "Dora", "Emil", "Füsun", "Goran", "Hana")
CITIES = ("Hanoi", "Lyon", "Bergen", "Quito", "Graz", "Aarhus", "Kyoto")
DUPLICATE_EVERY = 100


def row(number):
    """Every hundredth line repeats the address before it, in capitals."""
    duplicate = number % DUPLICATE_EVERY == DUPLICATE_EVERY - 1
    who = number - 1 if duplicate else number
    address = f"reader{who}@{DOMAINS[who % len(DOMAINS)]}"
    return ",".join((address.upper() if duplicate else address,
                     NAMES[number % len(NAMES)], CITIES[number % len(CITIES)],
                     f"B-{number:07d}"))


def distinct(lines):
    """How many different addresses a file of so many lines has."""
    return lines - lines // DUPLICATE_EVERY


def lines_of(mails):
    """How many lines a file needs for at least so many addresses."""
    return mails * DUPLICATE_EVERY // (DUPLICATE_EVERY - 1) + 1


def csv(lines):
    """Path of a file of so many lines, which is written once."""
    path = places.BUILD / "bench" / f"{lines}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        with open(new, "w", encoding="utf-8") as file:
            file.write("email,first_name,city,basket\n")
            for number in range(lines):
                file.write(row(number) + "\n")
        new.rename(path)
    return path
