// SPDX-License-Identifier: MIT
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Mailbox.Tests;

public sealed class MailboxGlobalsTests : WireContract<MailboxGlobals>
{
    protected override MailboxGlobals Sample => new(512, 128, 14, 16, 15);

    [Theory]
    [InlineData(504, 128, 14, 16, 15, null)]
    [InlineData(136, 128, 1, 3, 2, null)]
    [InlineData(1048576, 128, 14, 16, 15, null)]
    [InlineData(512, 72, 14, 16, 15, null)]
    [InlineData(120, 128, 14, 16, 15, "the slot size is 120")]
    [InlineData(513, 128, 14, 16, 15, "the slot size is 513")]
    [InlineData(1048584, 128, 14, 16, 15, "the slot size is 1048584")]
    [InlineData(ulong.MaxValue, 128, 14, 16, 15, "the slot size is")]
    [InlineData(512, 71, 14, 16, 15, "the messages' offset is 71")]
    [InlineData(512, 511, 14, 16, 15, "the messages' offset is 511, not 72 to 510")]
    [InlineData(512, ulong.MaxValue, 14, 16, 15, "the messages' offset is")]
    [InlineData(512, 128, 0, 2, 1, "nClients is 0")]
    [InlineData(512, 128, 65535, 65537, 65536, "nClients is 65535")]
    [InlineData(512, 128, ulong.MaxValue, 1, 0, "nClients is")]
    [InlineData(512, 128, 14, 15, 15, "nEvents is 15")]
    [InlineData(512, 128, 14, 16, 14, "server_id is 14")]
    public void Problem_AnyValues_NamesTheFirstThatCannotBe(ulong slot, ulong offset, ulong clients, ulong events, ulong server, string? problem)
    {
        var globals = new MailboxGlobals(slot, offset, clients, events, server);
        if (problem is null) globals.Problem().ShouldBeNull();
        else globals.Problem()!.ShouldContain(problem);
        globals.Check().ShouldBe(problem is null ? WireFault.None : WireFault.ValueOutOfRange);
    }
}
