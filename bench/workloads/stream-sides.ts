import { streamsSite } from '../data/sites.js'
import type { Bench } from '../lab/bench.js'
import type { Contender, Sample } from '../lab/workload.js'
import type { Changes } from '../load/streams.js'

export type Listeners = Awaited<ReturnType<typeof streamsSite>>

/** How many listen, under the names that they have whatever their number in a short run. */
export const crowds = (bench: Bench) => (bench.short ? [5, 10, 20] : [100, 500, 2_000])
export const [FEW, MORE, MANY] = ['100', '500', '2,000'] as const
export const SEPARATE = '500 on 500 topics'

export const CHANGES_PER_SECOND = 50

/** Streams of so many people on one project. */
export function onOne({ people, filled }: Listeners, project: number, count: number) {
  const path = `/api/v1/projects/${filled.projects[project]?.projectId}/stats/live`
  return people.slice(0, count).map(({ token }) => ({ path, token }))
}

/** A stream of somebody else on each of as many projects. */
export function onEach({ people, filled }: Listeners, count: number) {
  return filled.projects.slice(0, count).map(({ projectId }, n) => ({
    path: `/api/v1/projects/${projectId}/stats/live`,
    token: people[n]?.token ?? '',
  }))
}

/** Cards that go back and forth, so that statistics change with each. */
export function moves({ owner, filled }: Listeners, projects: number): Pick<Changes, 'token' | 'requests'> {
  return {
    token: owner.accessToken,
    requests: filled.projects.slice(0, projects).map(({ taskId }) => ({
      method: 'PATCH',
      path: `/api/v1/tasks/${taskId}/status`,
      bodies: [{ status: 'done' }, { status: 'todo' }],
    })),
  }
}

export function contender(name: string, sample: () => Promise<Sample>): Contender {
  return { name, sample }
}
