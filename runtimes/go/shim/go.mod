module taibai.worker

go 1.19
