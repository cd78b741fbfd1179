//! Values that a script gives back. Nobody takes them: what is sent on is `this`.

use rhai::{AST, ASTFlags, ASTNode, Expr, Position, Stmt};

use crate::inspect::is_path;

/// A value that is given back and does nothing else.
pub(crate) struct Leftover {
    pub(crate) position: Position,
    /// Whether it is a map in the text of the script.
    pub(crate) is_map: bool,
}

/// The first one, if any. A call is none, as it may do something, and functions of the script give back what they like.
pub(crate) fn leftover(ast: &AST) -> Option<Leftover> {
    let ast = ast.clone_statements_only();
    let mut found = at_end(ast.statements());
    ast.walk(&mut |nodes: &[ASTNode]| {
        if let Some(ASTNode::Stmt(Stmt::Return(Some(value), flags, _))) = nodes.last()
            && !flags.intersects(ASTFlags::BREAK)
        {
            found = found.take().or_else(|| in_value(value));
        }
        found.is_none()
    });
    found
}

fn at_end(statements: &[Stmt]) -> Option<Leftover> {
    match statements.last()? {
        Stmt::Expr(value) => in_value(value),
        Stmt::Block(block) => at_end(block.statements()),
        Stmt::If(parts, _) => at_end(parts.body.statements()).or_else(|| at_end(parts.branch.statements())),
        Stmt::TryCatch(parts, _) => {
            at_end(parts.body.statements()).or_else(|| at_end(parts.branch.statements()))
        }
        Stmt::Switch(parts, _) => parts.1.expressions.iter().find_map(|case| in_value(&case.rhs)),
        _ => None,
    }
}

fn in_value(value: &Expr) -> Option<Leftover> {
    let idle = match value {
        Expr::Stmt(block) => return at_end(block.statements()),
        Expr::Map(..)
        | Expr::Array(..)
        | Expr::InterpolatedString(..)
        | Expr::StringConstant(..)
        | Expr::BoolConstant(..)
        | Expr::IntegerConstant(..)
        | Expr::FloatConstant(..) => true,
        Expr::Variable(variable, _, _) => variable.1.as_str() != "this",
        Expr::Dot(..) | Expr::Index(..) => is_path(value),
        Expr::FnCall(call, _) => call.op_token.is_some(),
        _ => false,
    };
    idle.then(|| Leftover { position: value.start_position(), is_map: matches!(value, Expr::Map(..)) })
}
