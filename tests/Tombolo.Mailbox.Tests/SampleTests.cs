// SPDX-License-Identifier: MIT
using Tombolo.Testing;

namespace Tombolo.Mailbox.Tests;

/// <summary>What samples/mailbox shows, with each part in a process of its own.</summary>
[Trait("Speed", "slow")]
public sealed class SampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OneSays_AnotherHears()
    {
        using Child server = Sample.Serve("mailbox", _folder["mail"]);
        using Child hearer = Sample.Start("mailbox", "hear", _folder["mail"]);
        string id = hearer.ReadLine()!["I am ".Length..^1];
        using Child sayer = Sample.Start("mailbox", "say", _folder["mail"], id, "good morning");
        sayer.ReadLine().ShouldBe("Delivered");
        hearer.ReadLine()!.ShouldEndWith(": good morning");
        (sayer.WaitForExit(), hearer.WaitForExit(), server.CloseInput()).ShouldBe((0, 0, 0));
    }
}
