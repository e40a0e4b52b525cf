import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { v7 } from 'uuid'
import { CONFIG, type Config } from '../config.js'
import { Secrets } from '../secrets.js'

/** Who this process is among those that serve the same database. */
@Service()
export class ThisNode {
  @Autowired(CONFIG) private config!: Config
  @Autowired(Secrets) private secrets!: Secrets
  /** Another one for each start. */
  readonly id = v7()
  name!: string
  /** The same on all nodes that believe each other's tokens; tells nothing about the secret. */
  secretFingerprint!: string

  @PostConstruct()
  introduce(): void {
    this.name = this.config.nodeName ?? this.id.slice(-12)
    this.secretFingerprint = this.secrets.derive('node fingerprint').toString('hex').slice(0, 32)
  }
}
