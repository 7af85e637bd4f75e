// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Tombolo.Memory;
using Tombolo.Testing;

namespace Tombolo.Mailbox.Tests;

/// <summary>Keeps docs/specs/mailbox.md honest: its golden bytes are what the code writes and reads.</summary>
public sealed partial class SpecPageTests
{
    [Fact]
    public void Page_GoldenGlobals_AreWhatTheServerWrites()
    {
        byte[] golden = Bytes("globals");
        byte[] written = new byte[MailboxGlobals.Size];
        MailboxGeometry.Create().Globals.Write(written);
        written.ShouldBe(golden);
        MailboxGlobals.TryRead(golden, out MailboxGlobals read).ShouldBeTrue();
        read.Problem().ShouldBeNull();
    }

    [Fact]
    public void Page_GoldenSlot_IsWhatASenderWrites()
    {
        using var fabric = new LocalFabric(clients: 14);
        using Window window = fabric.Map();
        fabric.Slots.SetName(new(2), "vm2");
        fabric.Slots.SetAddress(new(2), new(27, 200));
        fabric.Slots.Publish(new(2), new(15), "ping"u8);
        byte[] golden = Bytes("slot"), written = new byte[golden.Length];
        window.View(2 * 512, written.Length).CopyOut(0, written);
        written.ShouldBe(golden);
    }

    [Fact]
    public async Task Page_GoldenWords_AreWhatTheServerAnswers()
    {
        using var fabric = new LocalFabric(clients: 14);
        await using MailboxServerPart server = MailboxServerPart.Start(fabric.StandingOf(15), isManager: true);
        await using MailboxEndpoint client = fabric.Endpoint(2, LocalFabric.Quiet("vm2") with { Answers = false });
        foreach (string line in Block("words").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(" -> ");
            (await client.SendAsync(fabric.Geometry.ServerId, Encoding.ASCII.GetBytes(words[0])).AsTask().Watched()).ShouldBe(SendResult.Delivered);
            string answer;
            do answer = (await client.ReceiveAsync().AsTask().Watched())!.Text;
            while (answer == "Link CTL Peer-Attribute");   // the server's own question to a newcomer
            answer.ShouldBe(words[1]);
        }
    }

    private static byte[] Bytes(string name) =>
        [.. Block(name).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(static text => byte.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];

    private static string Block(string name)
    {
        Match match = GoldenBlock().Matches(File.ReadAllText(RepositoryFile.PathOf("docs/specs/mailbox.md"))).Single(found => found.Groups["name"].Value == name);
        return match.Groups["text"].Value;
    }

    [GeneratedRegex("^```golden (?<name>.+?)\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex GoldenBlock();
}
