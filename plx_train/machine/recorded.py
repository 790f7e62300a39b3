"""Which environment variables and flags of Paddle another's run may set here: those that no library is loaded by."""

from __future__ import annotations

VARIABLES = frozenset(
    {
        *("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_DYNAMIC", "OMP_SCHEDULE", "OMP_WAIT_POLICY"),
        *("KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_DUPLICATE_LIB_OK", "KMP_SETTINGS"),
        *("MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_DEBUG_CPU_TYPE", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
        *("OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
        *("ONEDNN_MAX_CPU_ISA", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "ONEDNN_DEFAULT_FPMATH_MODE"),
        *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "CUDA_DEVICE_MAX_CONNECTIONS"),
        *("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
        *("XPU_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES", "MLU_VISIBLE_DEVICES", "TOPS_VISIBLE_DEVICES"),
        *("NCCL_DEBUG", "NCCL_IB_DISABLE", "NCCL_P2P_DISABLE", "NCCL_SHM_DISABLE", "NCCL_SOCKET_IFNAME", "NCCL_ALGO"),
        *("NCCL_PROTO", "NCCL_BUFFSIZE", "NCCL_NTHREADS", "NCCL_IB_TIMEOUT", "NCCL_ASYNC_ERROR_HANDLING"),
        *("BKCL_FORCE_SYNC", "BKCL_TIMEOUT", "XPU_BLACK_LIST", "XPU_PADDLE_CONV_FLOAT", "CUSTOM_DEVICE_BLACK_LIST"),
        *("GLOG_minloglevel", "GLOG_v", "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_"),
    }
)
"""Names that say how many, which card, how exactly, how loud; the beginnings of such names are not enough:
``OMP_TOOL_LIBRARIES`` and ``NCCL_NET_PLUGIN`` name libraries."""

FLAGS = frozenset(
    {
        *("allocator_strategy", "auto_growth_chunk_size_in_mb", "eager_delete_tensor_gb", "fast_eager_deletion_mode"),
        *("memory_fraction_of_eager_deletion", "fraction_of_gpu_memory_to_use", "initial_gpu_memory_in_mb"),
        *("reallocate_gpu_memory_in_mb", "gpu_memory_limit_mb", "fraction_of_cpu_memory_to_use"),
        *("initial_cpu_memory_in_mb", "use_pinned_memory", "use_system_allocator", "use_cuda_managed_memory"),
        *("use_stream_safe_cuda_allocator", "use_stride_kernel", "max_inplace_grad_add", "sort_sum_gradient"),
        *("conv_workspace_size_limit", "cudnn_exhaustive_search", "cudnn_exhaustive_search_times"),
        *("cudnn_batchnorm_spatial_persistent", "cudnn_deterministic", "embedding_deterministic"),
        *("conv2d_disable_cudnn", "enable_cublas_tensor_op_math", "gemm_use_half_precision_compute_type"),
        *("use_autotune", "low_precision_op_list", "set_to_1d", "use_mkldnn", "use_onednn", "paddle_num_threads"),
        *("check_nan_inf", "check_nan_inf_level", "benchmark", "log_memory_stats", "call_stack_level"),
        *("sync_nccl_allreduce", "npu_jit_compile", "npu_scale_aclnn", "npu_split_aclnn", "npu_storage_format"),
    }
)
"""Flags by their names, FLAGS_ apart; ``mkl_dir``, ``cudnn_dir`` and their like say where libraries are loaded from."""

FLAG = "FLAGS_"


def may_be_recorded(section: str, name: str) -> bool:
    """Whether another's run may set a name.

    Args:
        section: ``env`` or ``flags``, of the device's options.
    """
    if section == "flags" or name.startswith(FLAG):
        return name.removeprefix(FLAG) in FLAGS
    return name in VARIABLES
