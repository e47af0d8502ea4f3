"""What several commands share: which model, which photographs, how a run is built, trained, stored and resumed."""
