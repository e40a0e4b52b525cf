import { access } from './access/access.js'
import { bus } from './bus.js'
import { doubles } from './doubles.js'
import { fuzz } from './fuzz/fuzz.js'
import { jitter } from './jitter.js'
import { kills } from './kills.js'
import { order } from './order.js'
import { presence } from './presence.js'
import type { Scenario } from './scenario.js'

import { slow } from './slow/slow.js'

/** All experiments, in the order in which `--scenario all` runs them. */
export const scenarios: readonly Scenario[] = [
  jitter,
  kills,
  doubles,
  order,
  access,
  presence,
  bus,
  slow,
  fuzz,
]
