import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, lt, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { Database, type Queries } from '../../../db/database.js'
import { projectStatuses } from '../../../db/schema/work.js'
import { invalid, refuse } from '../../../errors.js'
import { changedFields } from '../../activity/changed-fields.js'
import {
  type Happening,
  lockWorkspace,
  nextActivitySeq,
  recordActivity,
} from '../../activity/record-activity.js'
import { stepProject } from '../changes/step-project.js'
import { type addStatus, MOST_COLUMNS, type ProjectStatus, type updateStatus } from './columns.contract.js'
import { columnsOf } from './columns.js'
import { remapTasks } from './remap.js'
import { mergeTransitions } from './transitions.js'

type NewColumn = z.output<typeof addStatus.body>
type Changes = z.output<typeof updateStatus.body>

interface Place {
  id: string
  workspaceId: string
}

interface ChangedColumn {
  column: ProjectStatus
  /** The project's sequence after it; undefined where nothing was to change. */
  lastSeq: number | undefined
}

/** The columns of boards. Each change of them takes a number of the project's sequence: see `boardSeq`. */
@Repository()
export class ColumnsRepository {
  @Autowired(Database) private db!: Database

  forProject(projectId: string): Promise<ProjectStatus[]> {
    return columnsOf(this.db.query, projectId)
  }

  /** @throws COLUMN_KEY_TAKEN, TOO_MANY_COLUMNS, or STATUS_NOT_FOUND for a transition to nowhere */
  add(actorId: string, project: Place, { position, ...given }: NewColumn): Promise<ChangedColumn> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, project.workspaceId)
      const { seq: lastSeq } = await stepProject(tx, project.id, { changes: 0, board: true })
      const columns = await columnsOf(tx, project.id)
      if (columns.some(({ key }) => key === given.key)) throw refuse('COLUMN_KEY_TAKEN')
      if (columns.length >= MOST_COLUMNS) throw refuse('TOO_MANY_COLUMNS')
      const order = placed(keysOf(columns), given.key, position ?? columns.length)
      requireKnown(order, given.transitions)
      const column = { ...given, position: order.indexOf(given.key) }
      await tx.insert(projectStatuses).values({ projectId: project.id, ...given, position: columns.length })
      await arrange(tx, project.id, order)
      await record(tx, activity, actorId, project, { type: 'project.status_added', after: column })
      return { column, lastSeq }
    })
  }

  /** @throws COLUMN_NOT_FOUND, or STATUS_NOT_FOUND for a transition to nowhere */
  update(actorId: string, project: Place, key: string, wanted: Changes): Promise<ChangedColumn> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, project.workspaceId)
      const columns = await columnsOf(tx, project.id)
      const column = requireColumn(columns, key)
      const order = placed(keysOf(columns), key, wanted.position ?? column.position)
      requireKnown(order, wanted.transitions)
      const changed = changedFields<Partial<ProjectStatus>>(column, wanted)
      if (!changed) return { column, lastSeq: undefined }
      const activity = await nextActivitySeq(tx, project.workspaceId)
      const { seq: lastSeq } = await stepProject(tx, project.id, { changes: 0, board: true })
      const { position, ...values } = changed.after
      await store(tx, project.id, { ...column, ...values })
      if (position !== undefined) await arrange(tx, project.id, order)
      const [before, after] = [
        { key, ...changed.before },
        { key, ...changed.after },
      ]
      await record(tx, activity, actorId, project, { type: 'project.status_updated', before, after })
      return { column: { ...column, ...changed.after }, lastSeq }
    })
  }

  /**
   * Its tasks go to another column.
   * @throws COLUMN_NOT_FOUND, LAST_COLUMN, STATUS_NOT_FOUND, or WIP_LIMIT_REACHED where they find no room
   */
  remove(actorId: string, project: Place, key: string, into: string): Promise<number> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, project.workspaceId)
      const columns = await columnsOf(tx, project.id)
      const column = requireColumn(columns, key)
      const rest = columns.filter(other => other !== column)
      if (rest.length === 0) throw refuse('LAST_COLUMN')
      if (rest.every(other => other.key !== into)) throw noSuchStatus('query.remapTo', into)
      const { tasks, lastSeq } = await remapTasks(tx, { projectId: project.id, from: key, into })
      for (const other of mergeTransitions(rest, column, into)) await store(tx, project.id, other)
      await tx.delete(projectStatuses).where(isColumn(project.id, key))
      await arrange(tx, project.id, keysOf(rest))
      const after = { remappedTo: into, tasks }
      await record(tx, activity, actorId, project, { type: 'project.status_removed', before: column, after })
      return lastSeq
    })
  }
}

function requireColumn(columns: readonly ProjectStatus[], key: string): ProjectStatus {
  const column = columns.find(other => other.key === key)
  if (!column) throw refuse('COLUMN_NOT_FOUND')
  return column
}

function noSuchStatus(path: string, key: string) {
  return refuse('STATUS_NOT_FOUND', { errors: [{ path, message: `${key} is no other column` }] })
}

/** @throws STATUS_NOT_FOUND where transitions lead to a column that is not there */
function requireKnown(keys: readonly string[], transitions: readonly string[] | null | undefined) {
  const unknown = transitions?.find(key => !keys.includes(key))
  if (unknown !== undefined) throw noSuchStatus('body.transitions', unknown)
}

const keysOf = (columns: readonly ProjectStatus[]) => columns.map(({ key }) => key)

/** The order of the columns once this one stands at a position. */
function placed(keys: readonly string[], key: string, position: number): string[] {
  const others = keys.filter(other => other !== key)
  if (position > others.length) throw invalid('body.position', `must be ${others.length} at most`)
  return others.toSpliced(position, 0, key)
}

/** Gives the columns their positions from left to right, past below zero, so that none collides on the way. */
async function arrange(tx: Queries, projectId: string, order: readonly string[]): Promise<void> {
  await tx.execute(sql`
    update ${projectStatuses} set position = -placed.place
    from unnest(${sql.param(order)}::text[]) with ordinality as placed (key, place)
    where ${projectStatuses.projectId} = ${projectId} and ${projectStatuses.key} = placed.key`)
  await tx
    .update(projectStatuses)
    .set({ position: sql`-1 - ${projectStatuses.position}` })
    .where(and(eq(projectStatuses.projectId, projectId), lt(projectStatuses.position, 0)))
}

function isColumn(projectId: string, key: string) {
  return and(eq(projectStatuses.projectId, projectId), eq(projectStatuses.key, key))
}

async function store(tx: Queries, projectId: string, { key, name, wipLimit, transitions }: ProjectStatus) {
  await tx.update(projectStatuses).set({ name, wipLimit, transitions }).where(isColumn(projectId, key))
}

function record(
  tx: Queries,
  seq: number,
  actorId: string,
  { id: projectId, workspaceId }: Place,
  change: Pick<Happening, 'type' | 'before' | 'after'>,
): Promise<void> {
  return recordActivity(tx, seq, { workspaceId, actorId, projectId, ...change })
}
