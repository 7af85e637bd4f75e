// SPDX-License-Identifier: MIT
using Shouldly;
using Xunit;

namespace Tombolo.Linux.Tests;

public sealed class ProcessorsTests
{
    [Fact]
    public void Online_ThisMachine_IsWhatTheKernelLists()
    {
        // "0-3,5": ranges of processor numbers.
        int listed = File.ReadAllText("/sys/devices/system/cpu/online").Trim().Split(',').Select(range => range.Split('-')).Sum(ends => int.Parse(ends[^1]) - int.Parse(ends[0]) + 1);
        Processors.Online.ShouldBe(listed);
    }
}
