import { type ListPage, pageOf } from '../data/cursors.js'
import { articlesPlace, articlesTasks, LIST_PAGE, sizes, tasksSite } from '../data/sites.js'
import type { Workload } from '../lab/workload.js'
import {
  ARTICLES,
  type Asked,
  cpuFigure,
  milliseconds,
  OURS,
  perSecond,
  statementsFigure,
  underLoad,
  vibed,
} from './asking.js'

/** A list of tasks, as it is asked for and as it lies in the database. */
interface List {
  name: string
  title: string
  note?: string
  sort: string
  value: string
  direction: 'asc' | 'desc'
  /** One in so many tasks passes the filter. */
  filter?: { query: string; where: string; share: number }
}

const lists: readonly List[] = [
  {
    name: 'tasks',
    title: 'plain',
    note: 'The articles’ page is found by its offset, comes with a count of all, and has neither the people nor the labels of its tasks.',
    sort: 'createdAt',
    value: 't.created_at',
    direction: 'asc',
  },
  {
    name: 'tasks-filtered',
    title: 'filtered',
    note: 'One task in twenty passes the filter, so that a count of all is quick, and it is most of what the articles’ page costs. Ours is busy with what theirs leaves out: people, labels and comments of 25 tasks are two thirds of its time in PostgreSQL.',
    sort: 'createdAt',
    value: 't.created_at',
    direction: 'asc',
    filter: {
      query: '&status=todo&priority=high',
      where: `t.status = 'todo' and t.priority = 'high'`,
      share: 20,
    },
  },
  {
    name: 'tasks-by-priority',
    title: 'by priority',
    sort: '-priority',
    value: 't.priority',
    direction: 'desc',
  },
  {
    name: 'tasks-by-date',
    title: 'by due date',
    sort: 'dueDate',
    value: `coalesce(t.due_date, 'infinity')`,
    direction: 'asc',
  },
]

function listWorkload({ name, title, note, sort, value, direction, filter }: List): Workload {
  const deep = filter ? 'the last page' : 'page 8,000'
  return {
    name,
    title: `Task list, ${title}, pages of 25 of 200,000`,
    ...(note !== undefined && { note }),
    figures: [
      perSecond('page 1'),
      perSecond(deep),
      milliseconds('p99 page 1'),
      milliseconds(`p99 ${deep}`),
      statementsFigure,
    ],
    bars: [
      { figure: 'page 1', against: ARTICLES, atLeast: 5 },
      { figure: deep, against: ARTICLES, atLeast: 5 },
      { figure: deep, against: OURS, their: 'page 1', atLeast: 1 / 1.2 },
      { figure: statementsFigure.name, limit: 3 },
    ],
    async open(bench) {
      const { database, owner, filled } = await tasksSite(bench)
      const { projectId } = filled
      const last = sizes(bench).tasks / (filter?.share ?? 1) / LIST_PAGE
      const found = await pageOf(
        database,
        { projectId, sort, value, direction, where: filter?.where ?? 'true' },
        { skip: (last - 1) * LIST_PAGE, limit: LIST_PAGE },
      )
      const query = (project: string) =>
        `/projects/${project}/tasks?limit=${LIST_PAGE}&sort=${sort}${filter?.query ?? ''}`
      const page = (figure: string, path: string, isRight: Asked['isRight']): Asked => ({
        figure,
        requests: [{ method: 'GET', path, token: owner.accessToken }],
        isRight,
      })
      const ours = [
        page('page 1', `/api/v1${query(projectId)}`, isFull),
        page(deep, `/api/v1${query(projectId)}&cursor=${found.cursor}`, isPage(found)),
      ]
      const theirQuery = query(articlesPlace.projectId)
      const theirs = [
        page('page 1', `${theirQuery}&page=1`, isFull),
        page(deep, `${theirQuery}&page=${last}`, isFull),
      ]
      const articles = await articlesTasks(bench)
      return underLoad(bench, [
        await vibed(bench, database, ours),
        {
          name: ARTICLES,
          server: await bench.baseline('tasks-articles', { database: articles }),
          asked: theirs,
        },
      ])
    },
  }
}

const isFull: Asked['isRight'] = ({ data }) => data.length === LIST_PAGE

const isPage =
  ({ ids }: ListPage): Asked['isRight'] =>
  ({ data }) =>
    data.map(({ id }: { id: string }) => id).join() === ids.join()

const single: Workload = {
  name: 'task',
  title: 'A task',
  note: 'Bare: Express 5 with one prepared statement for the same answer, and nobody is asked who he is.',
  figures: [perSecond('tasks'), milliseconds('p50'), milliseconds('p99'), cpuFigure, statementsFigure],
  bars: [],
  async open(bench) {
    const { database, owner, filled } = await tasksSite(bench)
    const { ids } = await pageOf(
      database,
      { projectId: filled.projectId, sort: 'createdAt', value: 't.created_at', direction: 'asc' },
      { skip: sizes(bench).tasks / 2, limit: LIST_PAGE },
    )
    const asked = (prefix = ''): Asked[] => [
      {
        figure: 'tasks',
        requests: ids.map(id => ({
          method: 'GET',
          path: `${prefix}/tasks/${id}`,
          token: owner.accessToken,
        })),
        isRight: ({ data }) => data.id === ids[0] && data.assignees.length === 1,
      },
    ]
    const ours = asked('/api/v1')
    return underLoad(bench, [
      await vibed(bench, database, ours),
      { name: 'bare', server: await bench.baseline('tasks-bare', { database }), asked: asked() },
    ])
  },
}

const board: Workload = {
  name: 'board',
  title: 'A board: the first 50 cards of six columns with 200,000',
  note: 'Bare: Express 5 with two prepared statements for the same answer, and nobody is asked who he is.',
  figures: [perSecond('boards'), milliseconds('p50'), milliseconds('p99'), cpuFigure, statementsFigure],
  bars: [],
  async open(bench) {
    const { database, owner, filled } = await tasksSite(bench)
    const asked = (prefix = ''): Asked[] => [
      {
        figure: 'boards',
        requests: [
          {
            method: 'GET',
            path: `${prefix}/projects/${filled.projectId}/board`,
            token: owner.accessToken,
          },
        ],
        isRight: ({ data }) =>
          data.columns.length === 6 &&
          data.columns.every(({ tasks }: { tasks: unknown[] }) => tasks.length === 50),
      },
    ]
    const ours = asked('/api/v1')
    return underLoad(bench, [
      await vibed(bench, database, ours),
      { name: 'bare', server: await bench.baseline('tasks-bare', { database }), asked: asked() },
    ])
  },
}

export const taskWorkloads: readonly Workload[] = [...lists.map(listWorkload), board, single]
