import { Autowired, Service } from '@forinda/kickjs-core'
import type { Asker } from '../../access/asker.js'
import { Events } from '../../events.js'
import type { Profile, Self } from './users.contract.js'
import { UsersRepository } from './users.repository.js'

@Service()
export class UsersService {
  @Autowired(UsersRepository) private users!: UsersRepository
  @Autowired(Events) private events!: Events

  async update(user: Asker, profile: Profile): Promise<Self> {
    const updated = await this.users.update(user.id, profile)
    this.events.emit('user.updated', { userId: user.id })
    return updated
  }
}
