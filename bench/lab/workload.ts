import type { Bench } from './bench.js'

/** One measured thing, under the same name for all contenders of a workload. */
export interface Figure {
  name: string
  unit: string
  /** Which way is better; bars are judged by it. */
  better: 'more' | 'less'
}

/** What one sample of a contender gives: its figures by name. What does not apply to it, it leaves out. */
export type Sample = Record<string, number>

/** One side of a comparison, running. */
export interface Contender {
  name: string
  /** Does the work once; throws where what came of it is not right, so that nothing wrong is ever timed. */
  sample(): Promise<Sample>
  /** What is started through the bench ends with the workload in any case. */
  close?(): Promise<void>
}

/** A figure of ours against another one, of somebody else or of our own. */
export interface RatioBar {
  figure: string
  /** The name of the contender compared with. */
  against: string
  /** Its figure, where it is not the one of the same name. */
  their?: string
  /** Times better by the figure's direction: 5, or 0.6 of what it reaches, or 1 / 1.5 for at most 1.5 times as slow. */
  atLeast: number
}

/** A figure of ours against a number: at least or at most, by the figure's direction. */
export interface LimitBar {
  figure: string
  limit: number
}

export type Bar = RatioBar | LimitBar

/** Some work that several contenders do. */
export interface Workload {
  name: string
  title: string
  figures: Figure[]
  bars: Bar[]
  /** What the reader of the figures has to know, in a sentence or two. */
  note?: string
  /** Another one with other sizes: a look whether all works goes without it. */
  variant?: boolean
  /** Without the round that nobody looks at, where the first time is what is measured. */
  cold?: boolean
  /**
   * Starts all that the contenders need, ours first. They are sampled in turns, so that a noisy machine hits
   * all alike.
   * @throws LeftOut where it cannot be done on this machine
   */
  open(bench: Bench): Promise<Contender[]>
}

/** Why a workload was not run; no failure. */
export class LeftOut extends Error {}
