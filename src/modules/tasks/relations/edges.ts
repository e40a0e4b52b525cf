import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { taskRelations } from '../../../db/schema/relations.js'
import { projects, tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import type { RelationKind } from './relations.contract.js'

/** A relation as it is stored: once, whichever of its tasks one looks from. */
export interface Edge {
  fromTaskId: string
  kind: 'blocks' | 'relates' | 'duplicates'
  toTaskId: string
}

/** What the second task is to the first, where the first is that to the second. */
export const inverse: Record<RelationKind, RelationKind> = {
  blocks: 'blockedBy',
  blockedBy: 'blocks',
  relates: 'relates',
  duplicates: 'duplicatedBy',
  duplicatedBy: 'duplicates',
}

/** `relates` has no direction: it goes from the smaller id to the greater. */
export function edgeOf(taskId: string, kind: RelationKind, otherTaskId: string): Edge {
  const there = { fromTaskId: taskId, toTaskId: otherTaskId }
  const back = { fromTaskId: otherTaskId, toTaskId: taskId }
  switch (kind) {
    case 'blocks':
    case 'duplicates':
      return { kind, ...there }
    case 'blockedBy':
      return { kind: 'blocks', ...back }
    case 'duplicatedBy':
      return { kind: 'duplicates', ...back }
    case 'relates':
      return { kind, ...(taskId < otherTaskId ? there : back) }
  }
}

/** The kind of an edge as one of its tasks has it. */
export function kindFor(taskId: string): SQL<RelationKind> {
  const { kind, fromTaskId } = taskRelations
  return sql<RelationKind>`case when ${fromTaskId} = ${taskId} or ${kind} = 'relates' then ${kind}::text
    when ${kind} = 'blocks' then 'blockedBy' else 'duplicatedBy' end`
}

export function isEdge({ fromTaskId, kind, toTaskId }: Edge): SQL | undefined {
  return and(
    eq(taskRelations.fromTaskId, fromTaskId),
    eq(taskRelations.toTaskId, toTaskId),
    eq(taskRelations.kind, kind),
  )
}

/**
 * Refuses an edge that closes a circle of its kind; what was deleted is no part of one. Under the lock of
 * the workspace, so that no two edges can close a circle between them.
 */
export async function refuseLoop(tx: Queries, { fromTaskId, kind, toTaskId }: Edge): Promise<void> {
  if (kind === 'relates') return
  const { rows } = await tx.execute<{ loops: boolean }>(sql`
    with recursive reached as (
      select ${toTaskId}::uuid as id
      union
      select r.to_task_id from ${taskRelations} r join reached on r.from_task_id = reached.id
      join ${tasks} t on t.id = r.to_task_id join ${projects} p on p.id = t.project_id
      where r.kind = ${kind} and t.deleted_at is null and p.deleted_at is null
    )
    select exists (select 1 from reached where id = ${fromTaskId}) as loops`)
  if (rows[0]?.loops !== true) return
  const message = 'leads back to the task itself'
  throw refuse('RELATION_LOOP', { errors: [{ path: 'body.taskId', message }] })
}
