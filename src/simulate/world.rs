//! Who trades with whom in the simulated landscape: customers, goods, warehouses, carriers. Master data, no chance.

/// A customer and how it wants to be served and billed.
#[derive(Debug)]
pub struct Customer {
    pub id: &'static str,
    pub name: &'static str,
    pub currency: &'static str,
    /// What of a net amount is tax, in percent.
    pub tax_percent: u32,
    /// Wants a signed proof of delivery before it pays.
    pub pod_required: bool,
    /// `complete` (one invoice when all has shipped) or `per_shipment`.
    pub billing_policy: &'static str,
    pub city: &'static str,
    /// Hours from a warehouse's dock to its own, shortest and longest.
    pub road_hours: (u64, u64),
}

#[derive(Debug)]
pub struct Item {
    pub sku: &'static str,
    pub unit: &'static str,
    pub price_cents: u64,
    /// How much one line asks for, in `step`s.
    pub quantity: (u64, u64),
}

#[derive(Debug)]
pub struct Warehouse {
    pub id: &'static str,
    /// What it calls itself when it sends: `wms/hamburg`.
    pub source: &'static str,
    pub city: &'static str,
    pub offset_minutes: i32,
}

#[derive(Debug)]
pub struct Carrier {
    pub id: &'static str,
    pub name: &'static str,
}

pub const ERP: &str = "erp/core-1";
pub const TMS: &str = "tms/fleet";
pub const BILLING: &str = "billing/rating";
pub const FINANCE: &str = "finance/ledger";
pub const MIDDLEWARE: &str = "middleware/bus";

const fn customer(
    id: &'static str,
    name: &'static str,
    (currency, tax_percent): (&'static str, u32),
    (pod_required, billing_policy): (bool, &'static str),
    city: &'static str,
    road_hours: (u64, u64),
) -> Customer {
    Customer { id, name, currency, tax_percent, pod_required, billing_policy, city, road_hours }
}

const EUR: (&str, u32) = ("EUR", 19);
const WHOLE: (bool, &str) = (true, "complete");
const PARTS: (bool, &str) = (true, "per_shipment");
const TRUST: (bool, &str) = (false, "complete");

pub const CUSTOMERS: [Customer; 18] = [
    customer("C-1001", "Nordwind Handels GmbH", EUR, WHOLE, "Bremen", (10, 26)),
    customer(
        "C-1002",
        "Großhandelsgesellschaft für Medizintechnik und Krankenhausbedarf Süddeutschland mbH & Co. KG",
        EUR,
        WHOLE,
        "Augsburg",
        (14, 30),
    ),
    customer("C-1003", "Acme Retail", EUR, PARTS, "Utrecht", (12, 28)),
    customer("C-1004", "Blackwater Outfitters Ltd", ("GBP", 20), WHOLE, "Leeds", (20, 44)),
    customer("C-1005", "مؤسسة الخليج للتجارة والتوزيع", ("AED", 5), WHOLE, "Dubai", (40, 70)),
    customer("C-1006", "Fjord & Fjell AS", ("NOK", 25), TRUST, "Bergen", (24, 48)),
    customer("C-1007", "Prairie Supply Co.", ("USD", 0), TRUST, "Omaha", (12, 34)),
    customer("C-1008", "Zakłady Wyposażenia Wnętrz Łódź Sp. z o.o.", ("PLN", 23), PARTS, "Łódź", (14, 30)),
    customer("C-1009", "Établissements Lefèvre & Fils", ("EUR", 20), WHOLE, "Lyon", (14, 30)),
    customer("C-1010", "Kurashiki Trading", ("USD", 0), WHOLE, "Chicago", (20, 40)),
    customer("C-1011", "Hafenkontor 1891", EUR, TRUST, "Kiel", (8, 20)),
    customer("C-1012", "O'Brien & Sons \"The Anvil\"", ("EUR", 23), WHOLE, "Cork", (30, 52)),
    customer("C-1013", "Südtiroler Obstbau-Genossenschaft", ("EUR", 22), PARTS, "Bozen", (16, 32)),
    customer("C-1014", "Mercado Central de Valencia S.A.", ("EUR", 21), WHOLE, "Valencia", (24, 44)),
    customer("C-1015", "Lakeshore Dental Group", ("USD", 0), PARTS, "Milwaukee", (8, 20)),
    customer("C-1016", "Bergmann", EUR, TRUST, "Ulm", (10, 26)),
    customer("C-1017", "Tømmer og Trælast A/S", ("DKK", 25), WHOLE, "Aarhus", (12, 26)),
    customer("C-1018", "Red Mesa Electric Cooperative", ("USD", 0), WHOLE, "Gallup", (22, 46)),
];

const fn item(sku: &'static str, unit: &'static str, price_cents: u64, quantity: (u64, u64)) -> Item {
    Item { sku, unit, price_cents, quantity }
}

pub const ITEMS: [Item; 16] = [
    item("AB-77", "EA", 1_290, (2, 60)),
    item("AB-78", "EA", 1_450, (2, 60)),
    item("CX-110", "EA", 24_900, (1, 8)),
    item("CX-220", "EA", 38_995, (1, 6)),
    item("DR-5", "BOX", 4_200, (1, 30)),
    item("DR-9", "BOX", 5_735, (1, 24)),
    item("EL-400", "M", 320, (50, 500)),
    item("FT-12", "KG", 875, (20, 400)),
    item("FT-18", "KG", 1_115, (20, 300)),
    item("GH-1", "PAL", 118_000, (1, 5)),
    item("HL-33", "EA", 7_999, (1, 20)),
    item("KM-2", "EA", 549, (10, 240)),
    item("LP-64", "EA", 104_900, (1, 3)),
    item("MN-8", "SET", 16_400, (1, 12)),
    item("PV-300", "EA", 21_840, (4, 48)),
    item("QT-7", "L", 239, (100, 1000)),
];

const fn warehouse(id: &'static str, source: &'static str, city: &'static str, offset_minutes: i32) -> Warehouse {
    Warehouse { id, source, city, offset_minutes }
}

pub const WAREHOUSES: [Warehouse; 6] = [
    warehouse("HAM-1", "wms/hamburg", "Hamburg", 60),
    warehouse("NUE-2", "wms/nuernberg", "Nürnberg", 60),
    warehouse("RTM-1", "wms/rotterdam", "Rotterdam", 60),
    warehouse("POZ-1", "wms/poznan", "Poznań", 60),
    warehouse("MEM-3", "wms/memphis", "Memphis", -360),
    warehouse("CHI-1", "wms/chicago", "Chicago", -360),
];

const fn carrier(id: &'static str, name: &'static str) -> Carrier {
    Carrier { id, name }
}

pub const CARRIERS: [Carrier; 6] = [
    carrier("CR-01", "Nordland Freight"),
    carrier("CR-02", "Trans Baltic"),
    carrier("CR-03", "Rhine Express"),
    carrier("CR-04", "Great Plains Trucking"),
    carrier("CR-05", "Falcon Air Cargo"),
    carrier("CR-06", "Kurier Süd"),
];

/// Why goods come back.
pub const RETURN_REASONS: [&str; 4] = ["damaged", "wrong_item", "not_ordered", "quality"];

impl Customer {
    pub fn is_american(&self) -> bool {
        self.currency == "USD"
    }

    /// Customers in America are served from America.
    pub fn warehouses(&self) -> &'static [Warehouse] {
        if self.is_american() { &WAREHOUSES[4..] } else { &WAREHOUSES[..4] }
    }

    pub fn carriers(&self) -> &'static [Carrier] {
        match self.currency {
            "USD" => &CARRIERS[3..5],
            "AED" => &CARRIERS[4..5],
            _ => &CARRIERS[..3],
        }
    }
}
