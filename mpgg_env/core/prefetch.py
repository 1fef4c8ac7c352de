"""A hint to the processor to fetch memory early."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload


def prefetch(array: Any, index: int | np.uint64) -> None:
    """Begins to load the cache line of `array[index]` (flat array), without waiting for it.

    Rows of a large table lie at random addresses, and a cold one costs as long as ten agents' arithmetic; the
    loop that needs them can ask for them some agents ahead. It changes no value. Outside compiled code it does nothing.
    """


@intrinsic
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte_pointer, int32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte_pointer)
        signature_type = ir.FunctionType(ir.VoidType(), [byte_pointer, int32, int32, int32])
        function = cgutils.get_or_insert_function(builder.module, signature_type, "llvm.prefetch.p0")
        # For writing, into all cache levels, into the data cache.
        builder.call(function, [address, int32(1), int32(3), int32(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


@overload(prefetch)
def _compiled_prefetch(array: Any, index: int) -> Any:
    def implementation(array: Any, index: int) -> None:
        _prefetch(array, index)

    return implementation
