import { Autowired, Container, computed, reactive, Service, Value, watch } from '@forinda/kickjs-core'

@Service()
class Board {
  readonly tasks = reactive({ open: 3, done: 1 })
  readonly progress = computed(() => this.tasks.done / (this.tasks.open + this.tasks.done))
}

@Service()
class Reporter {
  @Autowired(Board) private readonly board!: Board
  @Value('TEAM', 'the team') private readonly team!: string

  report() {
    return watch(this.board.progress, done => console.log(`${this.team} has done ${done * 100} %`))
  }
}

const container = new Container()
const stop = container.resolve(Reporter).report()
container.resolve(Board).tasks.done = 9 // the team has done 75 %
stop()
