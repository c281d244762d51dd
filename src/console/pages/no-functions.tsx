import { Empty } from '../parts/basics.tsx'
import { Link } from '../router.tsx'

/** In place of a form whose trigger would have nothing to run. */
export const NoFunctions = () => (
  <Empty>
    There is no function to run: <Link to="/functions/new">create one</Link> first.
  </Empty>
)
