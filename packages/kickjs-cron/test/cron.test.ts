import { Cron, getCronJobs } from '@forinda/kickjs-cron'
import { expect, test } from 'vitest'

class Reminders {
  @Cron('0 9 * * *', { description: 'Morning', timezone: 'Africa/Nairobi' })
  @Cron('30 17 * * 1-5')
  remind() {}

  @Cron('@hourly', { runOnInit: true })
  count() {}

  helper() {}
}

test('the jobs of a class are listed in the order written, with what was said about them', () => {
  expect(getCronJobs(Reminders)).toEqual([
    {
      name: 'Reminders.remind',
      expression: '0 9 * * *',
      handlerName: 'remind',
      description: 'Morning',
      timezone: 'Africa/Nairobi',
    },
    { name: 'Reminders.remind', expression: '30 17 * * 1-5', handlerName: 'remind' },
    { name: 'Reminders.count', expression: '@hourly', handlerName: 'count', runOnInit: true },
  ])
})

test('a subclass inherits jobs, and a method scheduled again has only its own timetable', () => {
  class Late extends Reminders {
    @Cron('0 22 * * *') override remind() {}
    override count() {}
  }
  expect(getCronJobs(Late).map(({ name, expression }) => [name, expression])).toEqual([
    ['Late.count', '@hourly'],
    ['Late.remind', '0 22 * * *'],
  ])
  expect(getCronJobs(Reminders)).toHaveLength(3)
})

test('a class without jobs has none', () => {
  expect(getCronJobs(class {})).toEqual([])
})
