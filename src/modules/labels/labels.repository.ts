import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, type Queries, violatedConstraint } from '../../db/database.js'
import { labels, taskLabels } from '../../db/schema/labels.js'
import { refuse } from '../../errors.js'
import { uuid } from '../../fields.contract.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { changedFields } from '../activity/changed-fields.js'
import { lockWorkspace, nextActivitySeq, recordActivity } from '../activity/record-activity.js'
import { type AdvancedProject, advancedBy, stepTasks } from '../tasks/changes/step-tasks.js'
import type { createLabel, Label, updateLabel } from './labels.contract.js'

type NewLabel = z.output<typeof createLabel.body> & { workspaceId: string }
type Changes = z.output<typeof updateLabel.body>
interface Place {
  id: string
  workspaceId: string
}

const labelRow = {
  id: labels.id,
  workspaceId: labels.workspaceId,
  name: labels.name,
  color: labels.color,
  createdAt: labels.createdAt,
  updatedAt: labels.updatedAt,
}

/**
 * A label is part of each task that carries it: to change it gives all of them new numbers in the
 * sequences of their projects. It is no edit of the tasks, so their versions stay.
 */
@Repository()
export class LabelsRepository {
  @Autowired(Database) private db!: Database

  /** The labels of a workspace, the oldest first. */
  async forWorkspace(workspaceId: string, query: PageQuery): Promise<Page<Label>> {
    const after = query.cursor ? decodeCursor('labels', z.tuple([uuid]), query.cursor) : undefined
    const rows = await this.db.query
      .select(labelRow)
      .from(labels)
      .where(and(eq(labels.workspaceId, workspaceId), after && gt(labels.id, after[0])))
      .orderBy(asc(labels.id))
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => encodeCursor('labels', [last.id]))
  }

  create(actorId: string, { workspaceId, ...given }: NewLabel): Promise<Label> {
    const labelId = v7()
    return this.named(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      await tx.insert(labels).values({ id: labelId, workspaceId, ...given })
      const after = { labelId, ...given }
      await recordActivity(tx, activity, { workspaceId, actorId, type: 'label.created', after })
      return current(tx, labelId)
    })
  }

  /** @returns also the projects whose tasks changed by it */
  update(
    actorId: string,
    { id: labelId, workspaceId }: Place,
    wanted: Changes,
  ): Promise<{ label: Label; advanced: AdvancedProject[] }> {
    return this.named(async tx => {
      await lockWorkspace(tx, workspaceId)
      const label = await current(tx, labelId)
      const changed = changedFields({ name: label.name, color: label.color }, wanted)
      if (!changed) return { label, advanced: [] }
      const activity = await nextActivitySeq(tx, workspaceId)
      const carrying = sql`select task_id from ${taskLabels} where ${taskLabels.labelId} = ${labelId}`
      const stepped = await stepTasks(tx, carrying)
      await tx
        .update(labels)
        .set({ ...changed.after, updatedAt: sql`now()` })
        .where(eq(labels.id, labelId))
      const before = { labelId, ...changed.before }
      const after = { labelId, ...changed.after }
      await recordActivity(tx, activity, { workspaceId, actorId, type: 'label.updated', before, after })
      return { label: await current(tx, labelId), advanced: advancedBy(stepped) }
    })
  }

  /** @returns the projects whose tasks lost it */
  delete(actorId: string, { id: labelId, workspaceId }: Place): Promise<AdvancedProject[]> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      const { name, color } = await current(tx, labelId)
      const freed = sql`delete from ${taskLabels} where ${taskLabels.labelId} = ${labelId} returning task_id`
      const stepped = await stepTasks(tx, freed)
      await tx.delete(labels).where(eq(labels.id, labelId))
      const before = { labelId, name, color }
      await recordActivity(tx, activity, { workspaceId, actorId, type: 'label.deleted', before })
      return advancedBy(stepped)
    })
  }

  private async named<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    try {
      return await this.db.write(work)
    } catch (error) {
      if (violatedConstraint(error) === 'labels_name') throw refuse('LABEL_NAME_TAKEN')
      throw error
    }
  }
}

/** The label as it stands under the lock of its workspace. */
async function current(tx: Queries, labelId: string): Promise<Label> {
  const [found] = await tx.select(labelRow).from(labels).where(eq(labels.id, labelId))
  if (!found) throw refuse('LABEL_NOT_FOUND')
  return found
}
