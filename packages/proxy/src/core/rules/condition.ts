// Combinations of ACLs (all, any, not) as a flat program with jumps: parts are asked in order and only as long as they
// can change the result. Pure.
import type { ConditionConfig } from '@tospann/config';

/** Instructions: an operation and its operand. They work on one truth value. */
const Op = { ACL: 0, CONSTANT: 1, NOT: 2, JUMP_IF_TRUE: 3, JUMP_IF_FALSE: 4 } as const;

/** A compiled condition: pairs of operation and operand. */
export type ConditionProgram = Int32Array;

/**
 * Compiles a condition.
 *
 * @param aclNumber Number of an ACL by its name.
 */
export function compileCondition(
  condition: ConditionConfig | undefined,
  aclNumber: (name: string) => number,
): ConditionProgram {
  const code: number[] = [];
  if (condition === undefined) code.push(Op.CONSTANT, 1);
  else emit(condition, code, aclNumber);
  return Int32Array.from(code);
}

function emit(condition: ConditionConfig, code: number[], aclNumber: (name: string) => number): void {
  if ('acl' in condition) {
    code.push(Op.ACL, aclNumber(condition.acl));
    return;
  }
  if ('not' in condition) {
    emit(condition.not, code, aclNumber);
    code.push(Op.NOT, 0);
    return;
  }
  const isAll = 'all' in condition;
  const parts = isAll ? condition.all : condition.any;
  if (parts.length === 0) code.push(Op.CONSTANT, isAll ? 1 : 0);
  const jumps: number[] = [];
  for (const [i, part] of parts.entries()) {
    emit(part, code, aclNumber);
    if (i === parts.length - 1) break;
    jumps.push(code.length);
    code.push(isAll ? Op.JUMP_IF_FALSE : Op.JUMP_IF_TRUE, 0);
  }
  for (const jump of jumps) code[jump + 1] = code.length;
}

/**
 * Runs a condition. Jumps lead forward only, so each instruction runs once at most.
 *
 * @param ask Whether the ACL with this number is true.
 */
export function runCondition(program: ConditionProgram, ask: (acl: number) => boolean): boolean {
  let value = true;
  for (let at = 0; at < program.length; at += 2) {
    const operand = program[at + 1]!;
    switch (program[at]!) {
      case Op.ACL:
        value = ask(operand);
        break;
      case Op.CONSTANT:
        value = operand === 1;
        break;
      case Op.NOT:
        value = !value;
        break;
      case Op.JUMP_IF_TRUE:
        if (value) at = operand - 2;
        break;
      default:
        if (!value) at = operand - 2;
    }
  }
  return value;
}
