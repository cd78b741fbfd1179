//! [`Limits`]: how much one run of a script may use. Every limit has a safe default and none is off.

use std::time::Duration;

use rhai::Engine;

/// How much one run of a script may use.
///
/// What counts in the end is `operations` and `size`: the first bounds the time in a way that is the
/// same on every machine, the second the memory. `time` is for the operator who thinks in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the interpreter; a step takes roughly 50 ns on a desktop and 300 ns on a Raspberry Pi 4.
    pub operations: u64,
    /// Wall-clock time, looked at every 1,024 operations; `None` where no clock is at hand.
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
    /// Sets what the interpreter enforces by itself. Zero would mean unlimited there, so it means one here.
    pub(crate) fn apply(&self, engine: &mut Engine) {
        engine
            .set_max_operations(self.operations.max(1))
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
