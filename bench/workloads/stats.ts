import { articlesPlace, articlesTasks, type Company, sizes, statsSite } from '../data/sites.js'
import type { Figure, Workload } from '../lab/workload.js'
import {
  ARTICLES,
  type Asked,
  milliseconds,
  OURS,
  perSecond,
  statementsFigure,
  underLoad,
  vibed,
} from './asking.js'

/** What they are called, however small they are in a short run. */
const SIZES = ['10,000', '200,000', '1,000,000'] as const
const [SMALL, MIDDLE, LARGE] = SIZES

interface Kind {
  name: string
  title: string
  path(company: Company): string
  taskCount: string
}

const kinds: readonly Kind[] = [
  {
    name: 'workspace-stats',
    title: 'Statistics of a workspace',
    path: ({ workspaceId }) => `/workspaces/${workspaceId}/stats`,
    taskCount: 'taskCount',
  },
  {
    name: 'project-stats',
    title: 'Statistics of a project',
    path: ({ projectId }) => `/projects/${projectId}/stats`,
    taskCount: 'totalTasks',
  },
]

function statsWorkload({ name, title, path, taskCount }: Kind): Workload {
  const hasArticles = name === 'workspace-stats'
  return {
    name,
    title: `${title} with 10,000, 200,000 and 1,000,000 tasks`,
    ...(hasArticles && {
      note: 'Asked for by REST over 32 connections: who asks while a count is under way shares the next one. The articles’ way is six counts, each from an index.',
    }),
    figures: [
      ...SIZES.flatMap((size): Figure[] => [perSecond(size), milliseconds(`p99 ${size}`)]),
      statementsFigure,
    ],
    bars: [
      { figure: LARGE, against: OURS, their: SMALL, atLeast: 1 / 2 },
      ...(hasArticles ? [{ figure: MIDDLE, against: ARTICLES, atLeast: 100 }] : []),
    ],
    async open(bench) {
      const { database, owner, filled } = await statsSite(bench)
      const asked = (company: Company, size: string, prefix = ''): Asked => ({
        figure: size,
        requests: [{ method: 'GET', path: `${prefix}${path(company)}`, token: owner.accessToken }],
        isRight: ({ data }) => data[taskCount] === company.tasks,
      })
      const ours = filled.map((company, n) => asked(company, SIZES[n] ?? '', '/api/v1'))
      const side = await vibed(bench, database, ours)
      if (!hasArticles) return underLoad(bench, [side])
      const server = await bench.baseline('stats-articles', { database: await articlesTasks(bench) })
      const theirs = asked({ ...articlesPlace, tasks: sizes(bench).tasks }, MIDDLE)
      return underLoad(bench, [side, { name: ARTICLES, server, asked: [theirs] }])
    },
  }
}

export const statsWorkloads: readonly Workload[] = kinds.map(statsWorkload)
