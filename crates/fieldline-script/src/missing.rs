//! Why an operation met null: the field that is not there, and the one that was probably meant.

use fieldline_core::Value;
use fieldline_core::suggest::nearest;
use rhai::{AST, ASTNode, Dynamic, EvalAltResult, Expr, Position, Stmt};

use crate::explain::innermost;
use crate::inspect::path;
use crate::scope::Variables;

/// What was null, as a sentence, and the name that was probably meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) message: String,
    pub(crate) meant: Option<String>,
}

/// Looks for a missing field behind `error`, if that complains about a null.
pub(crate) fn missing(
    error: &EvalAltResult,
    ast: &AST,
    variables: &Variables,
    body: &Value,
) -> Option<Missing> {
    let (inner, _, position) = innermost(error);
    let about_null = match inner {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => signature.contains("()"),
        EvalAltResult::ErrorDotExpr(text, _) | EvalAltResult::ErrorIndexingType(text, _) => {
            text.contains("()")
        }
        EvalAltResult::ErrorMismatchDataType(_, found, _) => found == "()",
        EvalAltResult::ErrorFor(_) => true,
        _ => false,
    };
    if !about_null {
        return None;
    }
    let mut result = None;
    ast.walk(&mut |nodes: &[ASTNode]| {
        let paths = operands(nodes, position);
        result = paths.iter().find_map(|path| look_up(path, variables, body));
        result.is_none()
    });
    result
}

/// The paths that are read by the operation at `position`, if the last of `nodes` is that.
fn operands<'n>(nodes: &[ASTNode<'n>], position: Position) -> Vec<Vec<&'n str>> {
    let expressions: Vec<&Expr> = match nodes.last() {
        Some(ASTNode::Stmt(Stmt::Assignment(assignment)))
            if assignment.0.position() == position || assignment.1.lhs.start_position() == position =>
        {
            vec![&assignment.1.lhs, &assignment.1.rhs]
        }
        Some(ASTNode::Stmt(Stmt::FnCall(call, at))) if *at == position => call.args.iter().collect(),
        Some(ASTNode::Stmt(Stmt::For(parts, _))) if parts.2.expr.start_position() == position => {
            vec![&parts.2.expr]
        }
        Some(ASTNode::Expr(Expr::FnCall(call, at) | Expr::MethodCall(call, at))) if *at == position => {
            call.args.iter().chain(chain(nodes)).collect()
        }
        Some(ASTNode::Expr(expression)) if expression.position() == position => {
            chain(nodes).into_iter().collect()
        }
        _ => Vec::new(),
    };
    expressions.into_iter().map(path).filter(|path| !path.is_empty()).collect()
}

/// The whole of the chain `a.b.c` in which the last node stands.
fn chain<'n>(nodes: &[ASTNode<'n>]) -> Option<&'n Expr> {
    let links = nodes.iter().rev().map_while(|node| match node {
        ASTNode::Expr(expression) => Some(*expression),
        _ => None,
    });
    links.filter(|link| matches!(link, Expr::Dot(..) | Expr::Index(..))).last()
}

/// The first name on `path` that leads nowhere.
fn look_up(path: &[&str], variables: &Variables, body: &Value) -> Option<Missing> {
    let (root, members) = path.split_first()?;
    let mut value = variables.find(root)?;
    let mut reached = (*root).to_owned();
    for name in members {
        let Ok(map) = value.as_map_ref().map(|map| map.clone()) else { break };
        match map.get(*name) {
            // `this.x += 1` makes the field before it fails.
            Some(member) if !member.is_unit() || reached != "this" || has(body, name) => {
                value = member.clone();
            }
            _ => {
                let message = match reached.as_str() {
                    "this" => format!("`{name}` is not a field of this event"),
                    reached => format!("`{reached}` has no member `{name}`"),
                };
                let others = map.keys().map(|key| key.as_str()).filter(|key| key != name);
                let meant = nearest(name, others).map(str::to_owned);
                return Some(Missing { message, meant });
            }
        }
        reached = format!("{reached}.{name}");
    }
    null(&value, &reached, variables)
}

fn has(body: &Value, name: &str) -> bool {
    body.as_map().is_some_and(|map| map.contains_key(name))
}

fn null(value: &Dynamic, reached: &str, variables: &Variables) -> Option<Missing> {
    if !value.is_unit() {
        return None;
    }
    let waiting = variables.is_with(reached);
    let message =
        if waiting { format!("`{reached}` has no value yet") } else { format!("`{reached}` is null") };
    Some(Missing { message, meant: None })
}
