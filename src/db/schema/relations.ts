import { sql } from 'drizzle-orm'
import { check, index, pgEnum, pgTable, primaryKey, uuid } from 'drizzle-orm/pg-core'
import { instant } from '../columns.js'
import { ofTask } from './work.js'

export const taskRelationKind = pgEnum('task_relation_kind', ['blocks', 'relates', 'duplicates'])

export const taskRelations = pgTable(
  'task_relations',
  {
    workspaceId: uuid().notNull(),
    fromTaskId: uuid().notNull(),
    toTaskId: uuid().notNull(),
    kind: taskRelationKind().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.fromTaskId, t.toTaskId, t.kind] }),
    index().on(t.toTaskId),
    ofTask(t.workspaceId, t.fromTaskId),
    ofTask(t.workspaceId, t.toTaskId),
    check('task_relations_not_self', sql`${t.fromTaskId} <> ${t.toTaskId}`),
  ],
)
