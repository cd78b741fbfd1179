//! The reference: the floating-point formulas of the BME680's data sheet (BST-BME680-DS001, section 3.3; `calc_temperature`,
//! `calc_pressure`, `calc_humidity`, `calc_gas_resistance` and `calc_heater_res` of Bosch's `bme680.c` with
//! `BME680_FLOAT_POINT_COMPENSATION`), written out anew in double precision, and the layout of the calibration registers
//! (table 11 to 16 there). Nothing of the driver or of the crates it uses is used here.

/// The factory coefficients under their names in the data sheet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coefficients {
    pub(crate) t1: u16,
    pub(crate) t2: i16,
    pub(crate) t3: i8,
    pub(crate) p1: u16,
    pub(crate) p2: i16,
    pub(crate) p3: i8,
    pub(crate) p4: i16,
    pub(crate) p5: i16,
    pub(crate) p6: i8,
    pub(crate) p7: i8,
    pub(crate) p8: i16,
    pub(crate) p9: i16,
    pub(crate) p10: u8,
    pub(crate) h1: u16,
    pub(crate) h2: u16,
    pub(crate) h3: i8,
    pub(crate) h4: i8,
    pub(crate) h5: i8,
    pub(crate) h6: u8,
    pub(crate) h7: i8,
    pub(crate) g1: i8,
    pub(crate) g2: i16,
    pub(crate) g3: i8,
    pub(crate) res_heat_val: i8,
    pub(crate) res_heat_range: u8,
    /// Four bits with a sign.
    pub(crate) range_sw_err: i8,
}

/// Those of a real chip.
pub(crate) const REAL: Coefficients = Coefficients {
    t1: 26203,
    t2: 26519,
    t3: 3,
    p1: 35008,
    p2: -10284,
    p3: 88,
    p4: 9692,
    p5: -202,
    p6: 30,
    p7: 24,
    p8: -516,
    p9: -3469,
    p10: 30,
    h1: 794,
    h2: 1007,
    h3: 0,
    h4: 45,
    h5: 20,
    h6: 120,
    h7: -100,
    g1: -30,
    g2: -5969,
    g3: 18,
    res_heat_val: 50,
    res_heat_range: 1,
    range_sw_err: -1,
};

impl Coefficients {
    /// All registers of a chip with these coefficients, the rest zero.
    pub(crate) fn registers(&self) -> [u8; 256] {
        let mut registers = [0; 256];
        registers[0xD0] = 0x61;
        let mut word = |at: usize, bytes: [u8; 2]| registers[at..at + 2].copy_from_slice(&bytes);
        word(0x8A, self.t2.to_le_bytes());
        word(0x8E, self.p1.to_le_bytes());
        word(0x90, self.p2.to_le_bytes());
        word(0x94, self.p4.to_le_bytes());
        word(0x96, self.p5.to_le_bytes());
        word(0x9C, self.p8.to_le_bytes());
        word(0x9E, self.p9.to_le_bytes());
        word(0xE9, self.t1.to_le_bytes());
        word(0xEB, self.g2.to_le_bytes());
        registers[0x8C] = self.t3 as u8;
        registers[0x92] = self.p3 as u8;
        registers[0x98] = self.p7 as u8;
        registers[0x99] = self.p6 as u8;
        registers[0xA0] = self.p10;
        registers[0xE1] = (self.h2 >> 4) as u8;
        registers[0xE2] = ((self.h2 & 0x0F) << 4 | self.h1 & 0x0F) as u8;
        registers[0xE3] = (self.h1 >> 4) as u8;
        registers[0xE4] = self.h3 as u8;
        registers[0xE5] = self.h4 as u8;
        registers[0xE6] = self.h5 as u8;
        registers[0xE7] = self.h6;
        registers[0xE8] = self.h7 as u8;
        registers[0xED] = self.g1 as u8;
        registers[0xEE] = self.g3 as u8;
        registers[0x00] = self.res_heat_val as u8;
        registers[0x02] = self.res_heat_range << 4;
        registers[0x04] = (self.range_sw_err as u8) << 4;
        registers
    }

    /// `t_fine`, the temperature in 1/5120 °C.
    pub(crate) fn fine_temperature(&self, raw: u32) -> f64 {
        let raw = f64::from(raw);
        let t1 = f64::from(self.t1);
        let linear = (raw / 16384.0 - t1 / 1024.0) * f64::from(self.t2);
        let offset = raw / 131_072.0 - t1 / 8192.0;
        linear + offset * offset * f64::from(self.t3) * 16.0
    }

    /// In °C.
    pub(crate) fn temperature(&self, raw: u32) -> f64 {
        self.fine_temperature(raw) / 5120.0
    }

    /// In hPa.
    pub(crate) fn pressure(&self, raw: u32, fine_temperature: f64) -> f64 {
        let half = fine_temperature / 2.0 - 64_000.0;
        let offset = half * half * (f64::from(self.p6) / 131_072.0) + half * f64::from(self.p5) * 2.0;
        let offset = offset / 4.0 + f64::from(self.p4) * 65_536.0;
        let slope = (f64::from(self.p3) * half * half / 16_384.0 + f64::from(self.p2) * half) / 524_288.0;
        let slope = (1.0 + slope / 32_768.0) * f64::from(self.p1);
        let pascal = (1_048_576.0 - f64::from(raw) - offset / 4096.0) * 6250.0 / slope;
        let square = f64::from(self.p9) * pascal * pascal / 2_147_483_648.0;
        let linear = pascal * (f64::from(self.p8) / 32_768.0);
        let cube = (pascal / 256.0).powi(3) * (f64::from(self.p10) / 131_072.0);
        (pascal + (square + linear + cube + f64::from(self.p7) * 128.0) / 16.0) / 100.0
    }

    /// In %RH, limited to 0..100.
    pub(crate) fn humidity(&self, raw: u16, celsius: f64) -> f64 {
        let dry = f64::from(raw) - (f64::from(self.h1) * 16.0 + f64::from(self.h3) / 2.0 * celsius);
        let warmth = 1.0
            + f64::from(self.h4) / 16_384.0 * celsius
            + f64::from(self.h5) / 1_048_576.0 * celsius * celsius;
        let linear = dry * (f64::from(self.h2) / 262_144.0 * warmth);
        let bend = f64::from(self.h6) / 16_384.0 + f64::from(self.h7) / 2_097_152.0 * celsius;
        (linear + bend * linear * linear).clamp(0.0, 100.0)
    }

    /// In Ω.
    pub(crate) fn gas_resistance(&self, raw: u16, range: u8) -> f64 {
        let first = [0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, -0.8, 0.0, 0.0, -0.2, -0.5, 0.0, -1.0, 0.0, 0.0];
        let second = [0.0, 0.0, 0.0, 0.0, 0.1, 0.7, 0.0, -0.8, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let range = usize::from(range);
        let span = (1340.0 + 5.0 * f64::from(self.range_sw_err)) * (1.0 + first[range] / 100.0);
        let factor = (1.0 + second[range] / 100.0) * 0.000_000_125 * f64::from(1_u32 << range);
        1.0 / (factor * ((f64::from(raw) - 512.0) / span + 1.0))
    }

    /// The heater's register for a target at an ambient temperature, both in °C.
    pub(crate) fn heater_register(&self, target: f64, ambient: f64) -> u8 {
        let resistance = f64::from(self.g1) / 16.0 + 49.0;
        let slope = f64::from(self.g2) / 32_768.0 * 0.0005 + 0.00235;
        let heated = resistance * (1.0 + slope * target) + f64::from(self.g3) / 1024.0 * ambient;
        let range = 4.0 / (4.0 + f64::from(self.res_heat_range));
        let value = 1.0 / (1.0 + f64::from(self.res_heat_val) * 0.002);
        (3.4 * (heated * range * value - 25.0)) as u8
    }
}
