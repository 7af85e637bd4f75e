// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>Keeps docs/specs/store.md honest: its golden bytes are what the server answers.</summary>
public sealed partial class SpecPageTests
{
    [Fact]
    public async Task Page_GoldenExchange_IsWhatTheServerAnswers()
    {
        using TemporaryFolder folder = new();
        await using StoreServer server = StoreServer.Start(new() { SocketPath = folder["s"] });
        using RawClient client = new(folder["s"]);
        string block = GoldenBlock().Match(File.ReadAllText(RepositoryFile.PathOf("docs/specs/store.md"))).Groups["text"].Value;
        string[] lines = block.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBeGreaterThan(5);
        foreach (string line in lines)
        {
            string[] sides = line.Replace(" ", "", StringComparison.Ordinal).Split("->");
            client.SendBytes(Convert.FromHexString(sides[0]));
            byte[] answer = new byte[sides[1].Length / 2];
            for (int at = 0; at < answer.Length;)
            {
                int got = client.Socket.Receive(answer.AsSpan(at));
                got.ShouldBePositive();
                at += got;
            }
            Convert.ToHexStringLower(answer).ShouldBe(sides[1], line);
        }
    }

    [GeneratedRegex("^```golden exchange\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex GoldenBlock();
}
