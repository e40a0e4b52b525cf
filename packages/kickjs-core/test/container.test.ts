import { Autowired, Container, Service } from '@forinda/kickjs-core'
import { expect, test } from 'vitest'

@Service()
class Clock {
  now = () => 42
}

@Service()
class Tasks {
  @Autowired() readonly clock!: Clock
  @Autowired(Clock) readonly named!: Clock
}

test('a property is filled by its type or by the token given, with one shared instance', () => {
  const tasks = new Container().resolve(Tasks)
  expect(tasks.clock.now()).toBe(42)
  expect(tasks.named).toBe(tasks.clock)
})
