// SPDX-License-Identifier: MIT
using Tombolo.Ivshmem;
using Tombolo.Wire;

namespace Tombolo.Fuzz.Targets;

/// <summary>The one message of the doorbell protocol: any bytes, no exception, and what is read can be written back.</summary>
internal sealed class DoorbellMessageTarget : IFuzzTarget
{
    public string Name => "doorbell-message";

    public IReadOnlyList<byte[]> Words => [];

    public IEnumerable<byte[]> Seeds() => [[], new byte[8], [.. Enumerable.Repeat(byte.MaxValue, 8)], new byte[9]];

    public string Run(ReadOnlySpan<byte> input)
    {
        if (!IvshmemMessage.TryRead(input, out IvshmemMessage message))
        {
            FuzzFinding.Require(input.Length < IvshmemMessage.Size, $"{input.Length} bytes hold a message, but none was read.");
            return "too short";
        }
        Span<byte> back = stackalloc byte[IvshmemMessage.Size];
        message.Write(back);
        FuzzFinding.Require(back.SequenceEqual(input[..IvshmemMessage.Size]), "What was written is not what was read.");
        WireFault fault = message.Check();
        FuzzFinding.Require(fault == WireFault.None == message.Value is >= -1 and <= IvshmemMessage.MaxId, $"Check says {fault} of {message.Value}.");
        return fault.ToString();
    }

    public void Dispose() { }
}
