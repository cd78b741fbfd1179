//! [`Limits`]: how much one run of a script may use. Every limit has a safe default and none is off.

use std::time::Duration;

use rhai::Engine;

/// How much one run of a script may use.
///
/// `operations` bounds the work in a way that is the same on every machine, `size` the memory. `time` bounds what work
/// takes that is more on some data than on other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the interpreter, one for each value that it compares; a step takes roughly 50 ns on a desktop and 300 ns on a Raspberry Pi 4.
    pub operations: u64,
    /// How long it may take by the clock; looked at every 256 steps, and more often where there is much data.
    pub time: Option<Duration>,
    /// Functions that call each other.
    pub calls: usize,
    /// Bytes of one string, and of all strings in one value.
    pub text: usize,
    /// Elements of one list, its inner lists counted too; also bytes of one blob.
    pub list: usize,
    /// Members of one map, its inner maps counted too.
    pub map: usize,
    /// Size of all variables together, in values; 64 bytes of text or bytes count as one value more.
    pub size: usize,
    /// Lists and maps inside each other.
    pub depth: usize,
    /// Events that one run may emit.
    pub emitted: usize,
    /// Expressions inside each other.
    pub expression_depth: usize,
    /// Variables at one time.
    pub variables: usize,
    /// Functions defined in one file.
    pub functions: usize,
    /// Files imported, directly or by an imported file.
    pub imports: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            operations: 100_000,
            time: Some(Duration::from_millis(250)),
            calls: 32,
            text: 64 << 10,
            list: 10_000,
            map: 4_000,
            size: 131_072,
            depth: 32,
            emitted: 1_000,
            expression_depth: 64,
            variables: 256,
            functions: 64,
            imports: 16,
        }
    }
}

impl Limits {
    /// Sets what the interpreter enforces by itself; the [`Meter`](crate::meter::Meter) has the rest. Zero would mean unlimited there, so it means one here.
    pub(crate) fn apply(&self, engine: &mut Engine) {
        engine
            .set_max_call_levels(self.calls)
            .set_max_string_size(self.text.max(1))
            .set_max_array_size(self.list.max(1))
            .set_max_map_size(self.map.max(1))
            .set_max_expr_depths(self.expression_depth.max(1), (self.expression_depth / 2).max(1))
            .set_max_variables(self.variables.max(1))
            .set_max_functions(self.functions)
            .set_max_modules(self.imports);
    }
}
