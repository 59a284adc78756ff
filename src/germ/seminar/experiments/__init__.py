"""One module for each experiment, and the registry that says which talk runs which.

Every talk of the catalogue has an entry; a test compares the two. Imports nothing, so that listing talks needs neither numpy nor torch.
"""

from __future__ import annotations

from germ.seminar.experiment import Entry, NothingToCompute, NotYet

EXPERIMENTS: dict[str, Entry] = {
    "2022-01-13a": "pendulum",  # What is learning? Singularities and pendulums
    "2022-01-13b": "fisher_information",  # The Fisher information matrix
    "2022-01-20a": "regular_and_singular",  # Fisher information, KL-divergence and singular models
    "2022-01-20b": "markov_chain_monte_carlo",  # Markov Chain Monte Carlo
    "2022-01-27a": "bayesian_posterior",  # Neural networks and the Bayesian posterior
    "2022-01-27b": "hilbert_basis",  # Rings, ideals and the Hilbert basis theorem
    "2022-02-03a": "analytic_to_algebraic",  # From analytic to algebraic I
    "2022-02-03b": "resolution",  # Resolution of singularities
    "2022-02-10a": "density_of_states",  # Introduction to density of states
    "2022-02-10b": "polynomial_division",  # Polynomial division
    "2022-02-17a": "analytic_to_algebraic_nonzero_truth",  # From analytic to algebraic II
    "2022-02-17b": "working_session_1",  # Working session 1
    "2022-02-24a": "free_energy_asymptotics",  # Free energy asymptotics
    "2022-02-24b": "working_session_2",  # Working session 2
    "2022-03-03a": "network_to_learning_coefficient",  # From analytic to algebraic III
    "2022-03-03b": "working_session_3",  # Working session 3
    "2022-03-10": "regularly_parametrised",  # Regularly parametrised models
    "2022-03-17": "partition_function_bounds",  # Bounding the partition function
    "2022-03-24": "influence_of_sampling",  # The influence of sampling
    "2022-04-07": "main_theorem_1",  # Main Theorem 1
    "2022-04-14": "main_theorem_2",  # Main Theorem 2
    "2022-09-08": "rank_estimation",  # Complexity of rank estimation
    "2022-09-15": "equivalent_paths",  # Piecewise-linear paths in equivalent networks
    "2022-09-22": "tanh_symmetries",  # A minimal introduction to the geometry of tanh networks
    "2022-09-29": "entropy",  # Information theory I - entropy and KL divergence
    "2022-10-06": "kraft_mcmillan",  # The Kraft-McMillan theorem
    "2022-10-13a": "renormalizable_condition",  # Asymptotic learning curve and renormalizable condition in statistical
    "2022-10-13b": "blowing_up",  # Intro to blowing up
    "2022-10-20": NotYet("scaling laws, in-context learning and semantic development"),  # State of scaling laws 2022
    "2022-10-27": "in_context_descent",  # In-context learning
    "2022-11-03": NothingToCompute(
        "a list of questions; the page on open problems collects those that this software meets"
    ),  # Open problems
    "2022-11-10": "newton_diagrams",  # Newton diagrams in singular learning theory
    "2022-11-17": "rank_strata",  # Overview of MSc thesis
    "2022-11-24": "jet_schemes",  # Jet schemes I
    "2022-12-01": "lossless_compression",  # Overview of MSc thesis Pt 2
    "2022-12-08": "arc_spaces",  # Jet schemes II
    "2022-12-15": "proximity_of_posterior",  # Overview of MSc thesis Pt 3
    "2022-12-22": "physical_entropy",  # Physical entropy vs information-theoretic entropy
    "2023-01-19": "ising_model",  # Physical entropy vs information-theoretic entropy Pt 2
    "2023-01-26": "in_context_bayes",  # Towards in-context learning in SLT Pt 2
    "2023-02-02": NotYet("scaling laws, in-context learning and semantic development"),  # Towards in-context learning in SLT Pt 3
    "2023-02-09": "lattice_density",  # Solid state physics and SLT Pt 1
    "2023-02-16": "spectroscopy",  # Solid state physics and SLT Pt 2
    "2023-02-23": "variational_posterior",  # Variational Bayesian posterior and learning resolutions
    "2023-03-02": "superposition_polygons",  # Toy models of superposition and SLT
    "2023-03-09": NothingToCompute("a plan, not a computation"),  # SLT and Alignment Pt 1
    "2023-03-16": "occams_razor",  # Occam's razor following Balasubramanian
    "2023-03-23": "superposition_dynamics",  # Toy models of superposition Pt 2
    "2023-03-30": NothingToCompute("a plan, not a computation"),  # SLT and Alignment Pt 2
    "2023-04-06": NotYet("scaling laws, in-context learning and semantic development"),  # Induction heads
    "2023-04-13": NotYet("scaling laws, in-context learning and semantic development"),  # The Quantization Model of Neural Scaling
    "2023-04-20": "monomial_jets",  # Jet schemes of monomial ideals
    "2023-04-27": NothingToCompute("a planning session"),  # Primer planning session
    "2023-05-25": NothingToCompute(
        "an overview of another field; nothing in it is a claim of singular learning theory"
    ),  # Mechanistic Interpretability
    "2023-07-20": NothingToCompute("a research agenda"),  # The Research Agenda
    "2023-07-27": NothingToCompute("an introduction to developmental biology"),  # Intro to Developmental Biology
    "2023-08-10": "slt_hamiltonian",  # Hamiltonian Monte Carlo and the SLT Hamiltonian
    "2023-08-17": NotYet(
        "scaling laws, in-context learning and semantic development"
    ),  # In-context learning and implicit Bayesian inference
    "2023-08-24": NotYet(
        "scaling laws, in-context learning and semantic development"
    ),  # "Saddle-to-saddle dynamics in deep linear networks" A. Jacot et al 202
    "2023-08-31": "local_learning_coefficient",  # Quantifying degeneracy in singular models via the learning coefficient
    "2023-09-06": NothingToCompute("a report on work in progress"),  # Research updates
    "2023-09-14": NothingToCompute("an overview of another method"),  # Automated circuit discovery
    "2023-09-21": NotYet(
        "scaling laws, in-context learning and semantic development"
    ),  # "A mathematical theory of semantic development in deep neural networks
    "2023-10-05": NothingToCompute("a workshop on hardware"),  # "GPT on a TPU VM with PyTorch/XLA, or: How I Learned to Stop Worrying
    "2023-10-12": "superposition_transitions",  # Bayesian versus Dynamical Transitions in a Toy Model of Superposition
    "2023-12-14": NotYet("programs as singularities"),  # Complexity Beyond Parameter Counting, error correction and the RLCT
}
