import { sql } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { id, instant } from '../columns.js'
import { workspaces } from './people.js'
import { ofTask } from './work.js'

export const labels = pgTable(
  'labels',
  {
    id: id(),
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    color: text().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
  },
  t => [
    unique().on(t.workspaceId, t.id),
    uniqueIndex('labels_name').on(t.workspaceId, sql`lower(${t.name})`),
    check('labels_color', sql`${t.color} ~ '^#[0-9a-f]{6}$'`),
  ],
)

export const taskLabels = pgTable(
  'task_labels',
  {
    workspaceId: uuid().notNull(),
    taskId: uuid().notNull(),
    labelId: uuid().notNull(),
  },
  t => [
    primaryKey({ columns: [t.taskId, t.labelId] }),
    index().on(t.labelId, t.taskId),
    ofTask(t.workspaceId, t.taskId),
    foreignKey({
      columns: [t.workspaceId, t.labelId],
      foreignColumns: [labels.workspaceId, labels.id],
    }).onDelete('cascade'),
  ],
)
